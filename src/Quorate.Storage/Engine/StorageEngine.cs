using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// One shard's log-structured merge tree. The Raft log is its write-ahead log: after a crash it stands at <see cref="Flushed"/>,
/// and the owner applies the later entries again.
/// </summary>
/// <remarks>
/// One owner thread calls everything but <see cref="OpenReadView"/>, which any thread may call; views and cursors may be used
/// and disposed on any one thread. Writes become visible to views at <see cref="Publish"/>, together with the applied position,
/// all or nothing; a flush never contains half of a publish.
/// </remarks>
public sealed partial class StorageEngine : IStoreWriter, IDisposable
{
    private const long OwnCacheBytes = 8 * 1024 * 1024; // For an engine that is given no cache.

    private readonly EngineContext _context;
    private readonly PointReaders _readers;
    private readonly PointReader _reader; // What the owner reads is held from one publish to the next.
    private readonly object _gate = new(); // Guards what OpenReadView takes, and the list of unused files.

    // Owned by the owner's thread; changed under the gate.
    private ReadState _state;
    private ulong _publishedSequence;
    private bool _isDisposed;

    private MemTable _active = new();
    private ulong _sequence;

    private StorageEngine(EngineContext context, ManifestWriter manifest, ManifestState recovered, TableSet tables)
    {
        _context = context;
        _readers = new(context.Keys.FilterPrefixLength);
        _reader = _readers.Take();
        _manifest = manifest;
        _nextFile = recovered.NextFile;
        _tables = tables;
        DebtBytes = CompactionPicker.DebtOf(tables, context.Options);
        Applied = recovered.Position;
        Flushed = recovered.Position;
        _state = new(_active, [], tables);
    }

    /// <summary>Last published position.</summary>
    public LogPosition Applied { get; private set; }

    /// <summary>Last position that is durable in files.</summary>
    public LogPosition Flushed { get; private set; }

    /// <summary>Bytes in memory that are not in files yet.</summary>
    public long UnflushedBytes
    {
        get
        {
            long bytes = _active.Bytes;
            foreach ((MemTable table, LogPosition _) in _waiting) { bytes += table.Bytes; }
            return bytes;
        }
    }

    /// <summary>Bytes of all live files; not those that only views and checkpoints still hold.</summary>
    public long DiskBytes => _tables.Bytes;

    /// <summary>
    /// How far flushes and merges are behind, in thousandths: of the memtables that may wait besides the one being flushed, of
    /// four times the runs of level 0 that start a merge, or of the debt that may be; the greatest. From 500 on writers should be slowed.
    /// </summary>
    public int Pressure
    {
        get
        {
            EngineOptions options = _context.Options;
            int waiting = _waiting.Count >= options.MaxWaitingMemTables ? 1000
                : _waiting.Count == 0 ? 0 : (_waiting.Count - 1) * 1000 / (options.MaxWaitingMemTables - 1);
            long runs = _tables.Level0Runs * 1000L / (4L * options.Level0Files);
            return (int)Math.Min(int.MaxValue, Math.Max(Math.Max(waiting, runs), (long)((Int128)DebtBytes * 1000 / options.MaxDebtBytes)));
        }
    }

    /// <summary>True while writers should be refused: flushes or merges are far behind.</summary>
    public bool IsOverloaded => Pressure >= 1000;

    /// <summary>Bytes of files that are above the level where they should be, and of level 0 if it is due: merges will move as much, and more.</summary>
    public long DebtBytes { get; private set; }

    /// <inheritdoc/>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => _reader.TryGet(_state, _sequence, key, out value);

    /// <inheritdoc/>
    public bool TryGetFirst(
        ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
        _reader.TryGetFirst(_state, _sequence, prefix, from, out key, out value);

    /// <inheritdoc/>
    /// <remarks>Shows the store as it is now, unpublished writes included; what is written later it does not show.</remarks>
    public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) => new StoreCursor(_state, _sequence, lower, upper);

    /// <inheritdoc/>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Invariant.Holds(key.Length > 0, $"an empty key");
        _active.Add(++_sequence, key, value, isTombstone: false);
    }

    /// <inheritdoc/>
    public void Delete(ReadOnlySpan<byte> key)
    {
        Invariant.Holds(key.Length > 0, $"an empty key");
        _active.Add(++_sequence, key, default, isTombstone: true);
    }

    /// <summary>Makes all writes since the last publish visible to new views, as of this position.</summary>
    /// <param name="applied">Not before the last one.</param>
    public void Publish(LogPosition applied)
    {
        Invariant.Holds(applied.Index >= Applied.Index, $"publish of {applied} after {Applied}");
        using (Exclusive.Enter(_gate))
        {
            Applied = applied;
            _publishedSequence = _sequence;
        }

        _reader.Release();

        // Only here, so that no file ever holds half a publish.
        if (_flushRequested || _active.Bytes >= _context.Options.MemTableBytes) { Rotate(); }
    }

    /// <summary>The data as last published. Any thread. Must be disposed; until then it keeps its memory and files.</summary>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public IReadView OpenReadView()
    {
        using (Exclusive.Enter(_gate))
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _state.Acquire();
            return new ReadView(_state, _publishedSequence, Applied.Index, _readers);
        }
    }

    /// <summary>Closes files and frees memory. What was not flushed is in the log.</summary>
    /// <remarks>
    /// Views, cursors and checkpoints that are still open stay usable until they are disposed. Jobs that are out may end; give
    /// them back, so that they let go of what they hold. Nothing is written.
    /// </remarks>
    public void Dispose()
    {
        IReadOnlyList<TableFile> unused;
        using (Exclusive.Enter(_gate))
        {
            if (_isDisposed) { return; }
            _isDisposed = true;
            unused = [.. _unused];
            _unused.Clear();
        }

        _reader.Release();
        foreach (TableFile table in unused) { table.Close(); }
        foreach (TableChange change in _pending) { change.ReleaseAdded(); }
        _pending.Clear();
        _state.Release();
        _tables.Release();
        _active.Release();
        foreach ((MemTable table, LogPosition _) in _waiting) { table.Release(); }
        _waiting.Clear();
        if (!_isManifestOut) { _manifest.Dispose(); }
    }
}
