using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Reads a table file whole and checks everything that can be checked: every byte of it is covered.</summary>
internal static class TableVerifier
{
    /// <exception cref="CorruptFileException">Something is wrong.</exception>
    public static void Verify(TableFile table)
    {
        var cursor = new TableCursor(BlockUse.Pass);
        try { Verify(table, cursor); }
        finally { cursor.Release(); }
    }

    private static void Verify(TableFile table, TableCursor cursor)
    {
        var last = new ByteWriter();
        ulong records = 0;
        ulong tombstones = 0;
        ulong keyBytes = 0;
        ulong valueBytes = 0;
        cursor.On(table).SeekFirst();
        for (; cursor.IsValid; cursor.Next())
        {
            bool isAscending = records == 0
                ? cursor.Key.SequenceEqual(table.Info.Smallest)
                : cursor.Key.SequenceCompareTo(last.Written) > 0;
            if (!isAscending) { throw new CorruptFileException(table.Path, 0, $"record {records} is out of order"); }
            last.Clear();
            last.Raw(cursor.Key);
            records++;
            keyBytes += (ulong)cursor.Key.Length;
            valueBytes += (ulong)cursor.Value.Length;
            if (cursor.IsTombstone) { tombstones++; }
        }

        TableProperties said = table.Properties;
        if (records != said.Records || tombstones != said.Tombstones || keyBytes != said.KeyBytes || valueBytes != said.ValueBytes
            || !last.Written.SequenceEqual(table.Info.Largest))
        {
            throw new CorruptFileException(table.Path, table.Footer.Properties.Offset, "the properties and the records disagree");
        }
    }
}
