using System.Collections.Concurrent;
using System.Diagnostics;
using Quorate.Core;
using Quorate.Node.Loop;
using Quorate.Replication;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Bench.Engine;

/// <summary>
/// An engine with a log in front of it, run as a node runs its own: real files, the node's job threads, one writer at a time.
/// Raft is left out: what a thread writes is an entry at once.
/// </summary>
/// <remarks>
/// Whoever finds nobody writing takes all writes that wait, makes one entry of them, puts it into the log with one write call and,
/// if asked, one sync, then into the memtable, and publishes. Reads need none of that.
/// </remarks>
internal sealed class EngineStore : IDisposable
{
    private const string LogDirectory = "wal";
    private const string EngineDirectory = "engine";
    private const int MostGroupBytes = 1024 * 1024; // As much as a node puts into one entry.
    private const int LookForJobsBytes = 64 * 1024;  // Asking the engine for work costs more than one small write.
    private static readonly ShardId Shard = new(1);
    private static readonly Term OnlyTerm = new(1);

    private readonly bool _sync;
    private readonly CountingFiles _engineFiles;
    private readonly CountingFiles _logFiles;
    private readonly WriteAheadLog _log;
    private readonly StorageEngine _engine;
    private readonly JobThreads _jobs;
    private readonly ConcurrentQueue<(StoreJob Job, Exception? Failure)> _finished = new();
    private readonly AutoResetEvent _hasFinished = new(false);
    private readonly object _owner = new(); // Held by whoever uses log and engine as their owner.
    private readonly WalBatch _batch = new();
    private readonly ByteWriter _entry = new();

    private readonly object _queueGate = new();
    private List<EngineWriter> _waiting = [];
    private List<EngineWriter> _group = []; // The leader's.
    private bool _isLed;

    private LogPosition _last;
    private LogPosition _released;
    private long _unlooked;
    private long _stalled;
    private int _jobsOut;
    private Exception? _failure;

    /// <summary>Opens what is in the directory, or begins anew. What the engine has not in files comes from the log.</summary>
    /// <exception cref="DiskException">The disk refused.</exception>
    /// <exception cref="CorruptFileException">Something durable is damaged.</exception>
    public EngineStore(IFileSystem files, EngineBenchPlan plan)
    {
        _sync = plan.Sync;
        _engineFiles = new CountingFiles(files);
        _logFiles = new CountingFiles(files);
        files.CreateDirectory(EngineDirectory);
        var options = new EngineOptions { MemTableBytes = plan.MemTableBytes };
        var keys = new EngineKeys(static key => key.Length, static _ => null);
        _engine = StorageEngine.Open(_engineFiles, EngineDirectory, options, keys, new BlockCache(plan.CacheBytes));
        try
        {
            _log = WriteAheadLog.Open(_logFiles, LogDirectory, new WalOptions { LogId = 1 }, out WalRecovery found);
            _log.PrepareNext();
            _last = _released = _engine.Flushed;
            foreach (LogEntry entry in found.Shards.SelectMany(static shard => shard.Entries)) { Replay(entry); }
        }
        catch
        {
            _log?.Dispose();
            _engine.Dispose();
            throw;
        }

        _jobs = new JobThreads(count: 2, Finished); // As many as a node has.
        _jobs.Start();
        AsOwner(StartJobs);
    }

    /// <summary>Bytes of table files and manifests written.</summary>
    public long EngineBytesWritten => _engineFiles.Written;

    /// <summary>Bytes written to the log, segments filled with zeros ahead included.</summary>
    public long LogBytesWritten => _logFiles.Written;

    /// <summary>Bytes of live table files. For the owner, or when nobody writes.</summary>
    public long DiskBytes => _engine.DiskBytes;

    /// <summary>How long writers have waited for flushes and compactions.</summary>
    public TimeSpan Stalled => TimeSpan.FromSeconds((double)Interlocked.Read(ref _stalled) / Stopwatch.Frequency);

    /// <summary>All that was committed before. Any thread; to be disposed.</summary>
    public IReadView OpenView() => _engine.OpenReadView();

    /// <summary>Writes one record; it is in the log, and in views that are opened from now on, when this returns. Any thread.</summary>
    /// <exception cref="IOException">The disk refused, now or in a job before; whether the write happened is unknown.</exception>
    public void Commit(EngineWriter writer)
    {
        writer.Reset();
        bool leads;
        lock (_queueGate)
        {
            _waiting.Add(writer);
            leads = !_isLed;
            _isLed = true;
        }

        if (leads || writer.WaitForTurn()) { Lead(writer); }
        if (_failure is { } failure) { throw new IOException($"the store has failed: {failure.Message}", failure); }
    }

    /// <summary>Merges everything into the lowest level and waits for it.</summary>
    public void Compact()
    {
        AsOwner(_engine.RequestFlush);
        WaitForJobs();
        AsOwner(_engine.RequestCompaction);
        WaitForJobs();
    }

    /// <summary>Returns when nothing is left to flush or to compact. Nobody may write meanwhile.</summary>
    /// <exception cref="IOException">A job failed.</exception>
    public void WaitForJobs()
    {
        AsOwner(StartJobs);
        while (Volatile.Read(ref _jobsOut) > 0)
        {
            _hasFinished.WaitOne();
            DrainIfFree();
        }

        if (_failure is { } failure) { throw new IOException($"the store has failed: {failure.Message}", failure); }
    }

    /// <summary>Closes it. Nobody may use it any more.</summary>
    public void Dispose()
    {
        _jobs.Stop(TimeSpan.FromMinutes(1));
        DrainIfFree();
        _log.Dispose();
        _engine.Dispose();
        _hasFinished.Dispose();
    }

    private void Lead(EngineWriter self)
    {
        lock (_queueGate)
        {
            // A group is bounded, so that the first of many large writes does not wait for all of them.
            int count = 0;
            for (long bytes = 0; count < _waiting.Count && bytes < MostGroupBytes; count++) { bytes += _waiting[count].Value.Length; }
            if (count == _waiting.Count) { (_group, _waiting) = (_waiting, _group); }
            else
            {
                _group.AddRange(_waiting[..count]);
                _waiting.RemoveRange(0, count);
            }
        }

        lock (_owner)
        {
            Drain();
            WriteGroup();
        }

        DrainIfFree();
        EngineWriter[]? others = _group.Count > 1 ? [.. _group] : null;
        _group.Clear();
        EngineWriter? next;
        lock (_queueGate)
        {
            next = _waiting.Count > 0 ? _waiting[0] : null;
            _isLed = next is not null;
        }

        // The next group first: its sync can begin while the threads of this one wake up.
        next?.SetLeads();
        foreach (EngineWriter other in others ?? [])
        {
            if (other != self) { other.SetDone(); }
        }
    }

    private void WriteGroup()
    {
        WaitWhileOverloaded();
        if (_failure is not null) { return; }
        try
        {
            _entry.Clear();
            foreach (EngineWriter writer in _group)
            {
                _entry.Bytes(writer.Key);
                _entry.Bytes(writer.Value.Span);
            }

            _last = new LogPosition(_last.Index.Next, OnlyTerm);
            _batch.Clear();
            bool releases = _engine.Flushed.Index > _released.Index;
            if (releases) { _batch.AddRelease(Shard, _released = _engine.Flushed); }
            _batch.AddEntry(Shard, new LogEntry(_last.Index, OnlyTerm, EntryKind.Command, _entry.WrittenMemory));
            _log.Write(_batch);
            if (_sync || releases) { _log.Sync(); } // The log frees what it need not keep behind a sync only.
            foreach (EngineWriter writer in _group) { _engine.Put(writer.Key, writer.Value.Span); }
            _engine.Publish(_last);
            _unlooked += _entry.Length;
            if (_unlooked >= LookForJobsBytes) { StartJobs(); }
        }
        catch (Exception e) when (e is DiskException or CorruptFileException) { _failure ??= e; }
    }

    // A node refuses commands now; here their writers wait.
    private void WaitWhileOverloaded()
    {
        if (!_engine.IsOverloaded) { return; }
        StartJobs();
        long begin = Stopwatch.GetTimestamp();
        while (_engine.IsOverloaded && _failure is null)
        {
            _hasFinished.WaitOne();
            Drain();
        }

        Interlocked.Add(ref _stalled, Stopwatch.GetTimestamp() - begin);
    }

    private void Replay(in LogEntry entry)
    {
        if (entry.Index <= _engine.Flushed.Index) { return; }
        var reader = new ByteReader(entry.Payload.Span);
        while (reader.Remaining > 0)
        {
            ReadOnlySpan<byte> key = reader.Bytes();
            _engine.Put(key, reader.Bytes());
        }

        _engine.Publish(_last = entry.Position);
    }

    private void StartJobs()
    {
        _unlooked = 0;
        while (_failure is null && _engine.NextJob() is { } job)
        {
            Interlocked.Increment(ref _jobsOut);
            _jobs.Post(new StoreJob(job));
        }
    }

    // On a job thread.
    private void Finished(NodeJob job, Exception? failure)
    {
        _finished.Enqueue(((StoreJob)job, failure));
        DrainIfFree();
        _hasFinished.Set();
    }

    private void AsOwner(Action action)
    {
        lock (_owner)
        {
            Drain();
            action();
        }

        DrainIfFree();
    }

    // If somebody else is the owner now, that one looks again when it is done.
    private void DrainIfFree()
    {
        while (!_finished.IsEmpty && Monitor.TryEnter(_owner))
        {
            try { Drain(); }
            finally { Monitor.Exit(_owner); }
        }
    }

    private void Drain()
    {
        if (_finished.IsEmpty) { return; }
        while (_finished.TryDequeue(out (StoreJob Job, Exception? Failure) done))
        {
            _engine.Complete(done.Job.Job, failed: done.Failure is not null);
            _failure ??= done.Failure;
            StartJobs();
            Interlocked.Decrement(ref _jobsOut);
        }
    }

    private sealed class StoreJob(EngineJob job) : NodeJob
    {
        public EngineJob Job => job;

        public override string Name => job.Name;

        public override bool IsMerge => job.IsMerge;

        public override void Run() => job.Run();
    }
}
