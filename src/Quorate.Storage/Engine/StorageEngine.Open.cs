using Quorate.Core;

namespace Quorate.Storage.Engine;

// How an engine comes up: from nothing, from its files, or from a checkpoint of another replica.
public sealed partial class StorageEngine
{
    /// <summary>Opens or creates the engine in a directory. Deletes files that are not in its manifest.</summary>
    /// <param name="files">Where.</param>
    /// <param name="directory">Nobody else may use it while the engine is open.</param>
    /// <param name="options">Without problems. May differ from those it was written with.</param>
    /// <param name="keys">What the owner says of its keys.</param>
    /// <param name="cache">Shared by the node's engines; null for a small one of its own.</param>
    /// <exception cref="CorruptFileException">The manifest or a file it names is damaged or missing. Nothing was changed.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static StorageEngine Open(
        IFileSystem files, string directory, EngineOptions options, EngineKeys keys, BlockCache? cache = null)
    {
        Invariant.Holds(!options.Problems().Any(), $"{string.Join(' ', options.Problems())}");
        var context = new EngineContext(files, directory, options, keys, cache ?? new(OwnCacheBytes));
        EngineFiles.CreateDirectory(files, directory);
        IReadOnlyList<string> names = files.List(directory);
        var opened = new List<TableFile>();
        var manifest = new ManifestWriter(files, directory, options.ManifestBytes);
        try
        {
            ManifestContent? content = ReadManifest(files, directory, names);
            ManifestState state = content?.State ?? new();
            TableSet tables = OpenTables(context, state, opened);

            // Without a seal the last edit may be in the system's cache only: after a failed sync Linux shows its bytes, and no later
            // sync writes them (Rebello et al., ATC 2020).
            if (content is { IsSealed: true }) { manifest.Continue(content); }
            else
            {
                manifest.ReplaceLater(content?.Generation ?? 0);
                ManifestEdit whole = state.ToEdit();
                manifest.Append(whole, () => whole);
            }

            // Only now: what the manifest says is durable.
            DeleteUnknown(files, directory, names, state);
            return new StorageEngine(context, manifest, state, tables);
        }
        catch
        {
            foreach (TableFile table in opened) { table.Close(); }
            manifest.Dispose();
            throw;
        }
    }

    /// <summary>
    /// What an engine would stand at if it were opened; changes nothing. Opening deletes files that the manifest does not name,
    /// so an owner that knows better must look first: a manifest that lost its end names too few.
    /// </summary>
    /// <exception cref="CorruptFileException">The manifest is damaged or missing.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static LogPosition FlushedIn(IFileSystem files, string directory) =>
        ReadManifest(files, directory, files.List(directory))?.State.Position ?? LogPosition.Zero;

    /// <summary>
    /// Makes a directory with received checkpoint files, already synced, an engine that can be opened. Reads every block of every
    /// file.
    /// </summary>
    /// <exception cref="CorruptFileException">Manifest and files do not fit, or something in them is damaged. There is no engine then.</exception>
    /// <exception cref="DiskException">The disk refused.</exception>
    public static void InstallCheckpoint(IFileSystem files, string directory, ReadOnlySpan<byte> manifest)
    {
        string path = EngineFiles.PathOf(directory, EngineFiles.Manifest);
        ManifestContent content = ManifestContent.Parse(manifest, path);
        if (content.TornBytes > 0) { throw new CorruptFileException(path, content.End, "the checkpoint's manifest has a torn end"); }
        var cache = new BlockCache(0);
        foreach ((int _, TableInfo info) in content.State.Tables)
        {
            TableFile table = TableFile.Open(files, directory, info, cache);
            try { TableVerifier.Verify(table); }
            finally { table.Close(); }
        }

        EngineFiles.CreateDirectory(files, directory);
        using var writer = new ManifestWriter(files, directory, replaceAtBytes: int.MaxValue);
        ManifestEdit whole = content.State.ToEdit();
        writer.ReplaceLater(content.Generation);
        writer.Append(whole, () => whole);
    }

    // Null for an engine that does not exist yet.
    private static ManifestContent? ReadManifest(IFileSystem files, string directory, IReadOnlyList<string> names)
    {
        string path = EngineFiles.PathOf(directory, EngineFiles.Manifest);
        if (names.Contains(EngineFiles.Manifest)) { return ManifestContent.Parse(ManifestContent.ReadFile(files, path), path); }

        // An engine writes its manifest before its first file.
        return names.Any(TableFormat.IsName) ? throw new CorruptFileException(path, 0, "it is missing, but there are table files") : null;
    }

    private static TableSet OpenTables(EngineContext context, ManifestState state, List<TableFile> opened)
    {
        List<TableFile>[] levels = [.. Enumerable.Range(0, TableSet.LevelCount).Select(_ => new List<TableFile>())];
        foreach ((int level, TableInfo info) in state.Tables)
        {
            TableFile table = context.OpenTable(info);
            opened.Add(table);
            levels[level].Add(table);
        }

        var tables = TableSet.Of(levels);
        foreach (TableFile table in opened) { table.Release(); }
        return tables;
    }

    private static void DeleteUnknown(IFileSystem files, string directory, IReadOnlyList<string> names, ManifestState state)
    {
        var known = new SortedSet<string>(state.Tables.Select(entry => entry.Table.Name), StringComparer.Ordinal);
        foreach (string name in names)
        {
            bool isOurs = TableFormat.IsName(name) || name == EngineFiles.NewManifest;
            if (isOurs && !known.Contains(name) && files.Exists(EngineFiles.PathOf(directory, name)))
            {
                files.Delete(EngineFiles.PathOf(directory, name));
            }
        }
    }
}
