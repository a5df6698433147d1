using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Storage.Engine;

// How memtables become files and files become fewer: jobs out, results in, one edit of the manifest for each change.
public sealed partial class StorageEngine
{
    private readonly ManifestWriter _manifest;
    private readonly List<(MemTable Table, LogPosition Position)> _waiting = []; // For their flush; the oldest first.
    private readonly List<TableChange> _pending = [];  // Done, but not in the manifest yet.
    private readonly List<TableFile> _unused = [];     // In no version and held by no one. Under the gate.
    private readonly List<ulong> _leftOver = [];       // Numbers of files that failed jobs may have begun.
    private TableSet _tables;
    private TableSet? _settled; // Of these nothing is to be merged by size.
    private ulong _nextFile;
    private ulong _level0Next; // Numbers before that of the flush that is out, for files of a merge within level 0: it is older.
    private ulong _level0End;
    private bool _flushRequested;
    private bool _compactAllRequested;
    private LogIndex? _reclaimAfter; // What is to be reclaimed counts from this flush on.
    private int _reclaimLevel = TableSet.LevelCount; // Whose files go down, or are rewritten, now.
    private ulong _reclaimBefore; // Of that level, files with lower numbers,
    private ulong _reclaimStart;  // and of the lowest level those with numbers below this.
    private long _heldBytes;
    private bool _isFlushing;    // From the job until its edit is durable; the same for the others.
    private bool _isCompacting;
    private bool _isManifestOut;
    private bool _isCleaning;

    /// <summary>
    /// Asks for a flush of everything published, though the memtable is not full. If something is written but not published, the
    /// flush waits for the next publish and contains it too.
    /// </summary>
    public void RequestFlush()
    {
        LogPosition last = _waiting.Count > 0 ? _waiting[^1].Position : Flushed;
        if (_sequence != _publishedSequence) { _flushRequested = true; }
        else if (_active.Count > 0 || Applied != last) { Rotate(); }
    }

    /// <summary>Asks for one merge of all files into the lowest level: drops everything that can be dropped. Needs as much free space as the files have.</summary>
    public void RequestCompaction() => _compactAllRequested = true;

    /// <summary>
    /// Asks for a flush of everything published, and then that all files be merged down, a few at a time, so that all is dropped that
    /// can be. Merges that are needed more come first, and free space is needed for some files only. Asked again, it starts anew.
    /// </summary>
    public void RequestReclaim()
    {
        RequestFlush();
        _reclaimAfter = Applied.Index;
    }

    /// <summary>Bytes of files that are in no version any more, but not deleted yet: views and checkpoints hold them.</summary>
    public long HeldBytes => _heldBytes;

    /// <summary>Bytes that flushes have written to files since the engine was opened.</summary>
    public long FlushedBytes { get; private set; }

    /// <summary>Bytes that merges have written since the engine was opened. By <see cref="FlushedBytes"/>: the write amplification but one.</summary>
    public long MergedBytes { get; private set; }

    /// <summary>Records in files and in memory, deletions included.</summary>
    public long Records => _tables.Records + _active.Count + _waiting.Sum(static entry => (long)entry.Table.Count);

    /// <summary>The next work to be run, or null. Several jobs may be out at once; the engine gives only such as may overlap.</summary>
    /// <exception cref="CorruptFileException">A file that a compaction filter reads is damaged.</exception>
    /// <exception cref="DiskException">A file that a compaction filter reads could not be read.</exception>
    public EngineJob? NextJob()
    {
        if (_isDisposed) { return null; }
        EngineJob? job = NextFlush();
        job ??= NextCompaction();
        job ??= NextManifest();
        return job ?? NextClean();
    }

    /// <summary>Takes a finished job's result. Ask for <see cref="NextJob"/> afterwards.</summary>
    /// <param name="job">The job.</param>
    /// <param name="failed">
    /// True if Run threw: its output is dropped and the work will be offered again, at once; wait a while before asking.
    /// </param>
    public void Complete(EngineJob job, bool failed)
    {
        switch (job)
        {
            case FlushJob flush: CompleteFlush(flush, failed); break;
            case CompactJob compact: CompleteCompaction(compact, failed); break;
            case ManifestJob manifest: CompleteManifest(manifest, failed); break;
            case ScrubJob scrub: CompleteScrub(scrub, failed); break;
            case CleanJob clean: CompleteClean(clean, failed); break;
            default: throw Invariant.Unreachable(job);
        }

        job.ReleaseInputs();
    }

    /// <summary>Pins the files of the flushed state. The log still has the entries after its position.</summary>
    public EngineCheckpoint OpenCheckpoint() => new Checkpoint(_tables, _nextFile, Flushed);

    // The active memtable is full: it waits for its flush, and a new one begins.
    private void Rotate()
    {
        _flushRequested = false;
        _waiting.Add((_active, Applied));
        _active = new();
        SwitchState();
    }

    private void SwitchState()
    {
        ImmutableArray<MemTable> waiting = [.. _waiting.Select(entry => entry.Table).Reverse()];
        var next = new ReadState(_active, waiting, _tables);
        ReadState before = _state;
        using (Exclusive.Enter(_gate)) { _state = next; }
        before.Release();
    }

    private FlushJob? NextFlush()
    {
        if (_isFlushing || _waiting.Count == 0) { return null; }
        _isFlushing = true;
        _level0Next = _level0End = _nextFile;
        (MemTable table, LogPosition position) = _waiting[0];
        if (table.Count > 0)
        {
            if (_tables.Level0Runs > 1) { _level0End = _nextFile += (ulong)Compaction.ReservedNumbers(_tables.BytesOf(0), _context.Options); }
            return new FlushJob(_context, table, position, _nextFile++);
        }

        // Entries without effect: only the position moves.
        Probes.EmptyFlush.Hit();
        _pending.Add(new TableChange([], [], position));
        return null;
    }

    private CompactJob? NextCompaction()
    {
        if (_isCompacting) { return null; }
        if (_reclaimAfter <= Flushed.Index)
        {
            (_reclaimLevel, _reclaimBefore, _reclaimStart) = (0, _nextFile, _nextFile);
            _reclaimAfter = null;
        }

        if (Sink()) { return null; }
        Compaction? compaction = _compactAllRequested ? CompactionPicker.PickAll(_tables)
            : _settled == _tables ? null
            : CompactionPicker.Pick(_tables, _context.Options);
        bool isRewrite = compaction is null || _compactAllRequested;
        if (compaction is null)
        {
            _settled = _tables;
            compaction = NextReclaim();
        }

        if (compaction is null)
        {
            _compactAllRequested = false;
            return null;
        }

        // The merge's files must count as older than that of a flush that is out.
        ulong reserved = (ulong)Compaction.ReservedNumbers(compaction.Bytes, _context.Options);
        bool isBehindFlush = compaction.ToLevel == 0 && _isFlushing;
        if (isBehindFlush && _level0End - _level0Next < reserved) { return null; }
        ICompactionFilter? filter;
        using (var flushed = new ReadView(new ReadState(_tables), 0, Flushed.Index, _readers))
        {
            filter = _context.Keys.CreateFilter(flushed);
        }

        _isCompacting = true;
        if (compaction.IsMove && filter is null && !isRewrite)
        {
            Probes.FileMoved.Hit();
            _pending.Add(new TableChange(compaction.Inputs, [(compaction.ToLevel, compaction.Inputs[0])]));
            return null;
        }

        _compactAllRequested = false;
        if (compaction.ToLevel == 0) { Probes.MergedWithinLevel0.Hit(); }
        ref ulong next = ref (isBehindFlush ? ref _level0Next : ref _nextFile);
        var job = new CompactJob(_context, _tables, compaction, filter, next, (int)reserved);
        next += reserved;
        return job;
    }

    // An older build filled the levels from the top, and a merge may leave nothing of the lowest. The bottom decides the sizes of all
    // others, so everything goes down until the bottom has files, as it is.
    private bool Sink()
    {
        int by = 0;
        while (by < TableSet.Bottom && _tables.Levels[TableSet.Bottom - by].IsEmpty) { by++; }
        if (by is 0 or TableSet.Bottom) { return false; }
        _isCompacting = true;
        IEnumerable<(int Level, TableFile Table)> sunk = _tables.Levels.Skip(1).SelectMany((level, above) => level.Select(table => (above + 1 + by, table)));
        _pending.Add(new TableChange([.. _tables.Levels.Skip(1).SelectMany(level => level)], [.. sunk]));
        return true;
    }

    // Level by level to the lowest: only where all versions of a key meet can all be dropped that may be.
    private Compaction? NextReclaim()
    {
        for (; _reclaimLevel < TableSet.LevelCount; _reclaimLevel++, _reclaimBefore = _nextFile)
        {
            ulong before = _tables.IsLowest(_reclaimLevel) ? _reclaimStart : _reclaimBefore;
            if (CompactionPicker.PickOld(_tables, _reclaimLevel, before) is { } compaction) { return compaction; }
        }

        return null;
    }

    private ManifestJob? NextManifest()
    {
        if (_isManifestOut || _pending.Count == 0) { return null; }
        _isManifestOut = true;
        var change = new TableChange(
            [.. _pending.SelectMany(change => change.Removed)], [.. _pending.SelectMany(change => change.Added)],
            _pending.Select(change => change.Position).SingleOrDefault(position => position is not null));
        _pending.Clear();
        return new ManifestJob(
            _manifest, change, _tables.With(change.Removed, change.Added), _nextFile, change.Position ?? Flushed);
    }

    private CleanJob? NextClean()
    {
        if (_isCleaning) { return null; }
        using (Exclusive.Enter(_gate))
        {
            if (_unused.Count == 0 && _leftOver.Count == 0) { return null; }
            var job = new CleanJob(_context, [.. _unused], [.. _leftOver]);
            _unused.Clear();
            _leftOver.Clear();
            _isCleaning = true;
            return job;
        }
    }

    private void CompleteFlush(FlushJob job, bool failed)
    {
        if (TakeOutputs(job.Outputs, failed))
        {
            FlushedBytes += job.Outputs.Tables.Sum(static table => table.Info.Length);
            _pending.Add(new TableChange([], [.. job.Outputs.Tables.Select(table => (0, table))], job.Position));
        }
        else { _isFlushing = false; }
    }

    private void CompleteCompaction(CompactJob job, bool failed)
    {
        Compaction done = job.Compaction;
        if (TakeOutputs(job.Outputs, failed))
        {
            MergedBytes += job.Outputs.Tables.Sum(static table => table.Info.Length);
            _pending.Add(new TableChange(done.Inputs, [.. job.Outputs.Tables.Select(table => (done.ToLevel, table))]));
        }
        else { _isCompacting = false; }
    }

    // True if the job's files are to go into the manifest.
    private bool TakeOutputs(TableOutputs outputs, bool failed)
    {
        if (!failed && !_isDisposed) { return true; }
        Probes.Leftovers.Hit();
        outputs.Dispose();
        for (int i = 0; i < outputs.Begun; i++) { _leftOver.Add(outputs.FirstNumber + (ulong)i); }
        return false;
    }

    private void CompleteManifest(ManifestJob job, bool failed)
    {
        TableChange change = job.Change;
        _isManifestOut = false;
        if (_isDisposed)
        {
            change.ReleaseAdded();
            _manifest.Dispose();
            return;
        }

        if (failed)
        {
            Probes.ManifestRetried.Hit();
            _pending.Insert(0, change);
            return;
        }

        MemTable? flushed = null;
        if (change.Position is { } position)
        {
            Invariant.Holds(_waiting[0].Position == position, $"flushed up to {position}, expected {_waiting[0].Position}");
            flushed = _waiting[0].Table;
            _waiting.RemoveAt(0);
            Flushed = position;
            _isFlushing = false;
        }

        if (change.Removed.Count > 0) { _isCompacting = false; }
        foreach (TableFile table in change.Removed)
        {
            if (change.Added.Any(added => added.Table == table)) { continue; }
            _heldBytes += table.Info.Length;
            table.MarkUnused(AddUnused);
        }

        TableSet before = _tables;
        job.Next.Acquire();
        _tables = job.Next;
        DebtBytes = CompactionPicker.DebtOf(_tables, _context.Options);
        SwitchState();
        before.Release();
        change.ReleaseAdded();
        flushed?.Release();
    }

    private void CompleteClean(CleanJob job, bool failed)
    {
        _isCleaning = false;
        if (!failed) { _heldBytes -= job.Tables.Sum(static table => table.Info.Length); }
        if (!failed || _isDisposed) { return; }
        using (Exclusive.Enter(_gate)) { _unused.AddRange(job.Tables); }
        _leftOver.AddRange(job.Numbers);
    }

    // On whatever thread held the file last.
    private void AddUnused(TableFile table)
    {
        using (Exclusive.Enter(_gate))
        {
            if (!_isDisposed)
            {
                _unused.Add(table);
                return;
            }
        }

        table.Close(); // The next opening deletes it.
    }

    private sealed class Checkpoint : EngineCheckpoint
    {
        private readonly byte[] _manifest;
        private TableSet? _tables;

        public Checkpoint(TableSet tables, ulong nextFile, LogPosition position)
        {
            tables.Acquire();
            _tables = tables;
            Position = position;
            Files = [.. tables.Levels.SelectMany(level => level).Select(table => (table.Info.Name, table.Info.Length))];
            var buffer = new ByteWriter();
            ManifestWriter.WriteWhole(buffer, generation: 1, ManifestJob.WholeEdit(tables, nextFile, position));
            _manifest = buffer.ToArray();
        }

        public override LogPosition Position { get; }

        public override ImmutableArray<(string Name, long Length)> Files { get; }

        public override ReadOnlyMemory<byte> Manifest => _manifest;

        public override void Dispose()
        {
            TableSet? held = _tables;
            _tables = null;
            held?.Release();
        }
    }
}
