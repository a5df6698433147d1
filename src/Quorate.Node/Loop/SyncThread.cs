using System.Diagnostics;
using Quorate.Core;
using Quorate.Storage.Wal;

namespace Quorate.Node.Loop;

/*
 * The one thread that writes and syncs the log: takes every batch that waits, writes them all, syncs once. While it syncs,
 * the loop builds the next batch, so that batching follows from load and needs no timer.
 *
 * A failed write or sync is final. The kernel may have dropped the pages and forgotten the error, so a second sync that
 * "succeeds" would prove nothing (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
 */
internal sealed class SyncThread
{
    // Long enough not to stand in the way of a client that asks again as soon as it is answered.
    private static readonly TimeSpan IdleTime = TimeSpan.FromMilliseconds(20);

    private readonly object _gate = new();
    private readonly WriteAheadLog _log;
    private readonly Action<List<WalBatch>> _persisted;
    private readonly Action<Exception> _failed;
    private readonly LatencyCounter _latency;
    private readonly Thread _thread;
    private List<WalBatch> _waiting = new(8);
    private List<WalBatch> _taken = new(8);
    private long _waitingBytes;
    private bool _sleeps;
    private bool _isStopping;
    private bool _isPrepared;

    public SyncThread(
        WriteAheadLog log, LatencyCounter latency, Action<List<WalBatch>> persisted, Action<Exception> failed)
    {
        _log = log;
        _latency = latency;
        _persisted = persisted;
        _failed = failed;
        _thread = new Thread(Run) { IsBackground = true, Name = "quorate-sync" };
    }

    public (int Batches, long Bytes) Waiting
    {
        get { lock (_gate) { return (_waiting.Count, _waitingBytes); } }
    }

    public void Start() => _thread.Start();

    public void Post(WalBatch batch)
    {
        lock (_gate)
        {
            _waiting.Add(batch);
            _waitingBytes += batch.Bytes;
            if (_sleeps)
            {
                _sleeps = false;
                Monitor.Pulse(_gate);
            }
        }
    }

    // Ends after what waits is durable. False if it still works when the time is up: the log must not be closed then.
    public bool Stop(TimeSpan timeout)
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.Pulse(_gate);
        }

        return _thread.Join(timeout);
    }

    private void Run()
    {
        try
        {
            Prepare(); // While the rest of the node starts.
            while (Take())
            {
                long start = Stopwatch.GetTimestamp();
                long bytes = 0;
                foreach (WalBatch batch in _taken)
                {
                    bytes += batch.Bytes;
                    _log.Write(batch);
                }

                _log.Sync();
                _latency.Add(Stopwatch.GetElapsedTime(start), bytes);
                _persisted(_taken);
            }
        }
        catch (Exception e)
        {
            // Whatever it was, nobody can say what is durable now.
            _failed(e);
        }
    }

    // The next segment is made ready while nobody waits for a sync.
    private void PrepareOutside()
    {
        Monitor.Exit(_gate);
        try { Prepare(); }
        finally { Monitor.Enter(_gate); }
    }

    private void Prepare()
    {
        _isPrepared = true;
        try
        {
            _log.PrepareNext();
        }
        catch (DiskException e) when (e.Fault == DiskFault.Full)
        {
            // The log is whole and has room yet; the watch of free space has refused new writes long before.
        }
    }

    private bool Take()
    {
        _taken.Clear();
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_isStopping) { return false; }
                _sleeps = true;
                bool isWoken = Monitor.Wait(_gate, _isPrepared ? Timeout.InfiniteTimeSpan : IdleTime);
                _sleeps = false;
                if (!isWoken && _waiting.Count == 0) { PrepareOutside(); }
            }

            _isPrepared = false;

            (_waiting, _taken) = (_taken, _waiting);
            _waitingBytes = 0;
            return true;
        }
    }
}
