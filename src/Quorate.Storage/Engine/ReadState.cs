using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Where the records are: the memtable being written, those waiting for their flush (newest first), the files. Immutable but for
/// what is added to the first memtable; keeps all of it alive.
/// </summary>
internal sealed class ReadState : Shared
{
    // Takes references.
    public ReadState(MemTable active, ImmutableArray<MemTable> waiting, TableSet tables)
    {
        MemTables = waiting.Insert(0, active);
        Tables = tables;
        foreach (MemTable table in MemTables) { table.Acquire(); }
        tables.Acquire();
    }

    // Only the files: the flushed state.
    public ReadState(TableSet tables)
    {
        MemTables = [];
        Tables = tables;
        tables.Acquire();
    }

    public ImmutableArray<MemTable> MemTables { get; }

    public TableSet Tables { get; }

    // A cursor over everything, as of a sequence number.
    public MergingCursor OpenCursor(ulong sequence)
    {
        var sources = new List<SourceCursor>();
        foreach (MemTable table in MemTables) { sources.Add(new MemTableCursor(table, sequence)); }
        foreach (ImmutableArray<TableFile> run in Tables.Runs) { sources.Add(new LevelCursor(run, BlockUse.Scan)); }
        return new MergingCursor([.. sources]);
    }

    protected override void Free()
    {
        foreach (MemTable table in MemTables) { table.Release(); }
        Tables.Release();
    }
}

/// <summary>The data as of a publish. Holds its state until it is disposed.</summary>
internal sealed class ReadView(ReadState state, ulong sequence, LogIndex applied, PointReaders readers) : IReadView
{
    private PointReader? _reader;
    private ReadState? _state = state;
    private ReadView? _flushed;

    public IStoreReader Flushed => _flushed ??= new ReadView(new ReadState(State.Tables), 0, applied, readers);

    public LogIndex AppliedIndex => applied;

    private PointReader Reader => _reader ??= readers.Take();

    private ReadState State => _state ?? throw new ObjectDisposedException(nameof(IReadView));

    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
        Reader.TryGet(State, sequence, key, out value);

    public bool TryGetFirst(
        ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
        Reader.TryGetFirst(State, sequence, prefix, from, out key, out value);

    public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) => new StoreCursor(State, sequence, lower, upper);

    public void Dispose()
    {
        ReadState? held = _state;
        PointReader? reader = _reader;
        _state = null;
        _reader = null;
        if (reader is not null) { readers.Return(reader); }
        held?.Release();
        _flushed?.Dispose();
    }
}
