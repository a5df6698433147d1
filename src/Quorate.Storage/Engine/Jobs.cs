using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>What all parts of one engine are given.</summary>
internal sealed record EngineContext(IFileSystem Files, string Directory, EngineOptions Options, EngineKeys Keys, BlockCache Cache)
{
    public TableFile OpenTable(TableInfo info) => TableFile.Open(Files, Directory, info, Cache);
}

/// <summary>Files that come and go in one manifest edit.</summary>
internal sealed record TableChange(
    IReadOnlyList<TableFile> Removed, IReadOnlyList<(int Level, TableFile Table)> Added, LogPosition? Position = null)
{
    // The reference that each new file was born with; the set of tables has its own.
    public void ReleaseAdded()
    {
        foreach ((int _, TableFile table) in Added)
        {
            if (!Removed.Contains(table)) { table.Release(); }
        }
    }
}

/// <summary>Writes a job's table files, one after another, from numbers reserved for it.</summary>
internal sealed class TableOutputs(EngineContext context, int level, ulong firstNumber, int reserved) : IDisposable
{
    private TableWriter? _writer;

    // What the files may be called, complete or not: to be deleted if the job fails.
    public int Begun { get; private set; }

    public List<TableFile> Tables { get; } = [];

    public ulong FirstNumber => firstNumber;

    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isTombstone, long endAtBytes)
    {
        // The last reserved number takes all the rest, however much it is.
        if (_writer is not null && _writer.Bytes >= endAtBytes && Begun < reserved && MayEndBefore(key, endAtBytes)) { EndFile(); }
        _writer ??= new(context.Files, context.Directory, firstNumber + (ulong)Begun++, context.Options, context.Keys.FilterPrefixLength, level);
        _writer.Add(key, value, isTombstone);
    }

    public void Finish()
    {
        if (_writer is not null) { EndFile(); }
        if (Begun > 0) { context.Files.SyncDirectory(context.Directory); }
    }

    // After a failure: closes what is open. The files are deleted by another job.
    public void Dispose()
    {
        _writer?.Dispose();
        _writer = null;
        foreach (TableFile table in Tables) { table.Release(); }
        Tables.Clear();
    }

    // Records of one filter prefix stay together, within reason: then filters of the machine may drop them sooner.
    private bool MayEndBefore(ReadOnlySpan<byte> key, long endAtBytes) =>
        _writer!.Bytes / 4 >= endAtBytes
        || !key.StartsWith(EngineFiles.FilterPrefix(context.Keys.FilterPrefixLength, _writer.LastKey));

    private void EndFile()
    {
        TableInfo info = _writer!.Finish();
        _writer.Dispose();
        _writer = null;
        Tables.Add(context.OpenTable(info));
    }
}

/// <summary>Writes a full memtable to a file of level 0. Of each key only the newest version: older ones are for views that hold the memtable.</summary>
internal sealed class FlushJob : EngineJob
{
    private readonly MemTable _memTable;

    public FlushJob(EngineContext context, MemTable memTable, LogPosition position, ulong number)
    {
        _memTable = memTable;
        Position = position;
        Outputs = new(context, level: 0, number, reserved: 1);
        memTable.Acquire();
    }

    public override string Name => "flush";

    public LogPosition Position { get; }

    public TableOutputs Outputs { get; }

    public override void Run()
    {
        try
        {
            var cursor = new MemTableCursor(_memTable, ulong.MaxValue);
            for (cursor.SeekFirst(); cursor.IsValid; cursor.Next())
            {
                Outputs.Add(cursor.Key, cursor.Value, cursor.IsTombstone, long.MaxValue);
            }

            Outputs.Finish();
        }
        catch
        {
            Outputs.Dispose();
            throw;
        }
    }

    internal override void ReleaseInputs() => _memTable.Release();
}

/// <summary>Merges files of a level with those below them into new files of the level below.</summary>
internal sealed class CompactJob : EngineJob
{
    private readonly EngineContext _context;
    private readonly TableSet _tables;
    private readonly ICompactionFilter? _filter;
    private readonly ByteWriter _prefix = new(); // Of the key before, with what is known of it.
    private bool _hasPrefix;
    private bool _holdsAllOfPrefix;

    public CompactJob(EngineContext context, TableSet tables, Compaction compaction, ICompactionFilter? filter, ulong firstNumber, int reserved)
    {
        _context = context;
        _tables = tables;
        _filter = filter;
        Compaction = compaction;
        Outputs = new(context, compaction.ToLevel, firstNumber, reserved);
        tables.Acquire();
    }

    public override string Name => $"compact {Compaction.FromLevel} -> {Compaction.ToLevel}";

    public override bool IsMerge => true;

    public Compaction Compaction { get; }

    public TableOutputs Outputs { get; }

    public override void Run()
    {
        MergingCursor cursor = Compaction.OpenCursor();
        try
        {
            for (cursor.SeekFirst(); cursor.IsValid; cursor.Next())
            {
                bool drop = cursor.IsTombstone || !IsKept(cursor.Key, cursor.Value);
                if (drop && Compaction.IsBottommost) { continue; }

                // Where an older record of the key may be below, leaving this one out would bring that one back.
                Outputs.Add(cursor.Key, drop ? default : cursor.Value, drop, _context.Options.FileBytes);
            }

            Outputs.Finish();
        }
        catch
        {
            Outputs.Dispose();
            throw;
        }
        finally
        {
            cursor.Release();
        }
    }

    internal override void ReleaseInputs() => _tables.Release();

    private bool IsKept(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (_filter is null) { return true; }
        ReadOnlySpan<byte> prefix = EngineFiles.FilterPrefix(_context.Keys.FilterPrefixLength, key);
        if (!_hasPrefix || !prefix.SequenceEqual(_prefix.Written))
        {
            _hasPrefix = true;
            _prefix.Clear();
            _prefix.Raw(prefix);
            _holdsAllOfPrefix = Compaction.HoldsAllOf(prefix);
        }

        return _filter.Keep(key, value, _holdsAllOfPrefix);
    }
}

/// <summary>Makes a change of files durable.</summary>
internal sealed class ManifestJob : EngineJob
{
    private readonly ManifestWriter _writer;
    private readonly ulong _nextFile;
    private readonly LogPosition _position;

    // Takes over the caller's reference on the tables that will be.
    public ManifestJob(ManifestWriter writer, TableChange change, TableSet next, ulong nextFile, LogPosition position)
    {
        _writer = writer;
        _nextFile = nextFile;
        _position = position;
        Change = change;
        Next = next;
    }

    public override string Name => "manifest";

    public TableChange Change { get; }

    public TableSet Next { get; }

    public override void Run() => _writer.Append(
        new ManifestEdit(
            _nextFile, Change.Position, [.. Change.Removed.Select(table => table.Info.Number)],
            [.. Change.Added.Select(added => (added.Level, added.Table.Info))]),
        () => WholeEdit(Next, _nextFile, _position));

    public static ManifestEdit WholeEdit(TableSet tables, ulong nextFile, LogPosition position) => new(
        nextFile, position, [],
        [.. tables.Levels.SelectMany((level, number) => level.Select(table => (number, table.Info)))]);

    internal override void ReleaseInputs() => Next.Release();
}

/// <summary>Deletes files that nobody uses any more, or that a failed job left.</summary>
internal sealed class CleanJob(EngineContext context, IReadOnlyList<TableFile> tables, IReadOnlyList<ulong> numbers) : EngineJob
{
    public override string Name => "clean";

    public IReadOnlyList<TableFile> Tables => tables;

    public IReadOnlyList<ulong> Numbers => numbers;

    public override void Run()
    {
        foreach (TableFile table in tables)
        {
            table.Close();
            Delete(table.Info.Number);
        }

        foreach (ulong number in numbers) { Delete(number); }
    }

    internal override void ReleaseInputs()
    {
    }

    // It may be gone: of a failed job's numbers some were never used, and a failed cleaning is done again from the start.
    private void Delete(ulong number)
    {
        string path = EngineFiles.PathOf(context.Directory, TableFormat.NameOf(number));
        if (context.Files.Exists(path)) { context.Files.Delete(path); }
    }
}
