using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>A table file as the manifest names it.</summary>
/// <param name="Level">0 to 6; what is higher up is newer.</param>
/// <param name="Name">In the engine's directory.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Records">Records, deleted keys included.</param>
/// <param name="Smallest">First key.</param>
/// <param name="Largest">Last key.</param>
public sealed record InspectedTable(
    int Level, string Name, long Length, ulong Records, ReadOnlyMemory<byte> Smallest, ReadOnlyMemory<byte> Largest);

/// <summary>An edit of the manifest.</summary>
/// <param name="Offset">Where in the file.</param>
/// <param name="Position">The last entry in the files from then on; null if the edit does not change it.</param>
/// <param name="Removed">Names of files that went.</param>
/// <param name="Added">Files that came.</param>
public sealed record InspectedEdit(long Offset, LogPosition? Position, ImmutableArray<string> Removed, ImmutableArray<InspectedTable> Added);

/// <summary>What is in a manifest.</summary>
/// <param name="Path">The file.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Generation">How many manifests the engine had before this one, and one.</param>
/// <param name="Edits">All edits that can be read, in order.</param>
/// <param name="IsSealed">True if the last edit is known to have been durable.</param>
/// <param name="TornBytes">Bytes of an edit that was never finished.</param>
/// <param name="Position">The last entry in the files.</param>
/// <param name="NextFile">The next file's number.</param>
/// <param name="Tables">The files after the last edit before any damage.</param>
/// <param name="Damage">Empty if an engine can be opened with it, as far as the manifest goes.</param>
public sealed record ManifestReport(
    string Path, long Length, ulong Generation, ImmutableArray<InspectedEdit> Edits, bool IsSealed, long TornBytes,
    LogPosition Position, ulong NextFile, ImmutableArray<InspectedTable> Tables, ImmutableArray<FileDamage> Damage);

/// <summary>Reads a manifest for people, without its engine: what is damaged is told, and the rest is read all the same.</summary>
public static class ManifestInspector
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="DiskException">The disk refused. Damage of the file is no exception but an item of the report.</exception>
    public static ManifestReport Inspect(IFileSystem files, string path)
    {
        byte[] bytes;
        try
        {
            bytes = ManifestContent.ReadFile(files, path);
        }
        catch (CorruptFileException damage)
        {
            return Empty(path, damage.Offset, new(damage.Offset, damage.Defect));
        }

        if (ManifestFormat.CheckHeader(bytes, out ulong generation) is { } defect) { return Empty(path, bytes.Length, new(0, defect)); }

        var edits = new List<InspectedEdit>();
        var damages = new List<FileDamage>();
        var state = new ManifestState();
        bool isSealed = false;
        for (long at = ManifestFormat.PageBytes; at < bytes.Length;)
        {
            ReadOnlySpan<byte> payload = ManifestFormat.PayloadAt(bytes, generation, at);
            if (!payload.IsEmpty && payload[0] == ManifestFormat.EditType && Read(payload, at, damages) is { } edit)
            {
                edits.Add(Inspected(at, edit));
                if (damages.Count == 0 && state.Apply(edit) is { } contradiction) { damages.Add(new(at, contradiction)); }
            }

            isSealed |= !payload.IsEmpty && payload[0] == ManifestFormat.SealType;
            at += payload.IsEmpty ? ManifestFormat.PageBytes : ManifestFormat.PagesFor(payload.Length);
        }

        // The engine's own reader decides what is damage and what an unfinished end.
        long torn = 0;
        try
        {
            torn = ManifestContent.Parse(bytes, path).TornBytes;
        }
        catch (CorruptFileException damage)
        {
            if (!damages.Exists(known => known.Offset == damage.Offset)) { damages.Add(new(damage.Offset, damage.Defect)); }
        }

        return new(
            path, bytes.Length, generation, [.. edits], isSealed, torn, state.Position, state.NextFile,
            [.. state.Tables.Select(Inspected)], [.. damages]);
    }

    private static ManifestEdit? Read(ReadOnlySpan<byte> payload, long at, List<FileDamage> damages)
    {
        var reader = new ByteReader(payload[1..]);
        ManifestEdit? edit = ManifestEdit.TryRead(ref reader);
        if (edit is null) { damages.Add(new(at, "an edit is malformed")); }
        return edit;
    }

    private static InspectedEdit Inspected(long at, ManifestEdit edit) => new(
        at, edit.Position, [.. edit.Removed.Select(TableFormat.NameOf)], [.. edit.Added.Select(Inspected)]);

    private static InspectedTable Inspected((int Level, TableInfo Table) entry) => new(
        entry.Level, entry.Table.Name, entry.Table.Length, entry.Table.Records, entry.Table.Smallest, entry.Table.Largest);

    private static ManifestReport Empty(string path, long length, FileDamage damage) =>
        new(path, length, 0, [], false, 0, default, 0, [], [damage]);
}
