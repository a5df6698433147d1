using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Something in a file that is not as it was written.</summary>
/// <param name="Offset">Where in the file.</param>
/// <param name="Defect">What is wrong there.</param>
public sealed record FileDamage(long Offset, string Defect);

/// <summary>A block of a table file.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Length">Bytes in the file, without its checksum.</param>
/// <param name="Kind">"data", "index", "filter" or "properties".</param>
/// <param name="Records">Records in a data block, entries in an index block, 0 otherwise.</param>
/// <param name="UnpackedLength">Bytes in memory: more than in the file if the block is compressed.</param>
public sealed record InspectedBlock(long Offset, int Length, string Kind, int Records, int UnpackedLength);

/// <summary>A record of a table file.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">Its value; null if the key was deleted.</param>
public sealed record InspectedRecord(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte>? Value);

/// <summary>What is in a table file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Number">The number it was written under; 0 if the footer is damaged.</param>
/// <param name="Records">Records, as the file's properties say; 0 if they are damaged.</param>
/// <param name="Tombstones">Deleted keys among them.</param>
/// <param name="KeyBytes">Bytes of all keys.</param>
/// <param name="ValueBytes">Bytes of all values.</param>
/// <param name="Smallest">First key.</param>
/// <param name="Largest">Last key.</param>
/// <param name="Blocks">All blocks that could be reached, in the order they were met.</param>
/// <param name="Damage">Empty if every byte is as it was written.</param>
public sealed record TableReport(
    string Path, long Length, ulong Number, ulong Records, ulong Tombstones, ulong KeyBytes, ulong ValueBytes,
    ReadOnlyMemory<byte> Smallest, ReadOnlyMemory<byte> Largest, ImmutableArray<InspectedBlock> Blocks,
    ImmutableArray<FileDamage> Damage);

/// <summary>Reads a table file for people, without its engine: what is damaged is told, and the rest is read all the same.</summary>
public static class TableInspector
{
    /// <summary>Reads a whole file, one block at a time.</summary>
    /// <param name="files">Where.</param>
    /// <param name="path">The file. If its name is a number, that must be the number inside.</param>
    /// <param name="onRecord">Called for each readable record in order; null if only the report matters.</param>
    /// <exception cref="DiskException">The disk refused. Damage of the file is no exception but an item of the report.</exception>
    public static TableReport Inspect(IFileSystem files, string path, Action<InspectedRecord>? onRecord = null)
    {
        using IFile file = files.Open(path, OpenMode.Read);
        return new Walk(file, onRecord).Report();
    }

    private sealed class Walk(IFile file, Action<InspectedRecord>? onRecord)
    {
        private readonly List<InspectedBlock> _blocks = [];
        private readonly List<FileDamage> _damage = [];
        private readonly long _length = file.Length;
        private ulong _number;
        private uint _version;
        private TableProperties? _properties;
        private byte[]? _lastKey;

        public TableReport Report()
        {
            if (Footer() is { } footer)
            {
                if (footer.Index.Length > 0) { Index(footer.Index, footer.IndexDepth); }
                Read(footer.Filter, "filter", 0)?.Release();
                Properties(footer.Properties);
                Compare(footer);
            }

            TableProperties said = _properties ?? new(0, 0, 0, 0, 0, [], []);
            return new(
                file.Path, _length, _number, said.Records, said.Tombstones, said.KeyBytes, said.ValueBytes, said.Smallest,
                said.Largest, [.. _blocks], [.. _damage]);
        }

        private TableFooter? Footer()
        {
            byte[] end = new byte[TableFooter.Bytes];
            if (_length < end.Length || file.Read(_length - end.Length, end) != end.Length)
            {
                Tell(0, $"{_length} bytes are too short for a table file");
                return null;
            }

            // Which file it is, the footer itself says here; with its engine, the manifest does.
            ulong inside = BinaryPrimitives.ReadUInt64LittleEndian(end.AsSpan(40));
            string name = file.Path[(file.Path.LastIndexOf('/') + 1)..];
            _number = TableFormat.IsName(name) ? ulong.Parse(name.AsSpan(0, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : inside;
            string? defect = TableFooter.TryRead(end, _number, _length, out TableFooter footer);
            _version = footer.Version;
            if (defect is null) { return footer; }
            Tell(_length - end.Length, defect);
            return null;
        }

        private void Index(BlockHandle handle, int depth)
        {
            if (Read(handle, depth > 0 ? "index" : "data", depth) is not { } block) { return; }
            int records = 0;
            int unpacked = block.Length;
            var cursor = new BlockCursor();
            try
            {
                cursor.Reset(block, file.Path, handle.Offset);
                for (cursor.SeekFirst(); cursor.IsValid; cursor.Next())
                {
                    records++;
                    if (depth == 0) { Record(cursor, handle.Offset); }
                    else if (BlockHandle.TryRead(cursor.Value, _length - TableFooter.Bytes, out BlockHandle below)) { Index(below, depth - 1); }
                    else { Tell(handle.Offset, $"entry {records} points outside of the file"); }
                }
            }
            catch (CorruptFileException damage)
            {
                Tell(damage.Offset, damage.Defect);
            }
            finally
            {
                cursor.Clear();
            }

            _blocks.Add(new(handle.Offset, handle.Length, depth > 0 ? "index" : "data", records, unpacked));
        }

        private void Record(BlockCursor cursor, long offset)
        {
            if (_lastKey is not null && cursor.Key.SequenceCompareTo(_lastKey) <= 0) { Tell(offset, "a record is out of order"); }
            _lastKey = cursor.Key.ToArray();
            onRecord?.Invoke(new(_lastKey, cursor.IsTombstone ? (ReadOnlyMemory<byte>?)null : cursor.Value.ToArray()));
        }

        private void Properties(BlockHandle handle)
        {
            if (Read(handle, "properties", 0) is not { } block) { return; }
            _properties = TableProperties.TryRead(block.Span);
            block.Release();
            if (_properties is null) { Tell(handle.Offset, "the properties are malformed"); }
        }

        // A verified block; null if it is damaged. An index block reports itself when its entries are counted.
        private Block? Read(BlockHandle handle, string kind, int depth)
        {
            int bytes = StoredBlock.BytesOf(_version, handle.Length);
            var block = new Block(bytes);
            string? defect = file.Read(handle.Offset, block.Span) == bytes
                ? StoredBlock.Open(ref block, _number, handle, _version, pool: null)
                : "is cut short";
            if (defect is not null)
            {
                Tell(handle.Offset, $"a block of {kind} {defect}{(depth > 0 ? "; what it points to is not read" : "")}");
                block.Release();
                return null;
            }

            if (kind is "filter" or "properties") { _blocks.Add(new(handle.Offset, handle.Length, kind, 0, block.Length)); }
            return block;
        }

        private void Compare(TableFooter footer)
        {
            long records = _blocks.Where(block => block.Kind == "data").Sum(block => (long)block.Records);
            if (_damage.Count == 0 && _properties is { } said && (long)said.Records != records)
            {
                Tell(footer.Properties.Offset, $"the properties say {said.Records} records, {records} are there");
            }
        }

        private void Tell(long offset, string defect) => _damage.Add(new(offset, defect));
    }
}
