using Quorate.Replication;

namespace Quorate.Node.Loop;

// A fixed few threads for long work (flush, compaction, snapshot files). NodeCore bounds how many jobs there are. Merges go at a pace of
// their own and may take long: everything else goes before them, and if there are several threads one never takes any.
internal sealed class JobThreads
{
    private readonly object _gate = new();
    private readonly Queue<NodeJob> _waiting = new();
    private readonly Queue<NodeJob> _merges = new();
    private readonly Action<NodeJob, Exception?> _done;
    private readonly Thread[] _threads;
    private readonly JobPace? _pace;
    private int _running;
    private int _merging;
    private bool _isStopping;

    public JobThreads(int count, Action<NodeJob, Exception?> done, JobPace? pace = null)
    {
        _pace = pace;
        _done = done;
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            _threads[i] = new Thread(Run) { IsBackground = true, Name = $"quorate-job-{i}" };
        }
    }

    public (int Waiting, int Running) Counts
    {
        get { lock (_gate) { return (_waiting.Count + _merges.Count, _running); } }
    }

    public void Start() => Array.ForEach(_threads, static thread => thread.Start());

    public void Post(NodeJob job)
    {
        lock (_gate)
        {
            (job.IsMerge ? _merges : _waiting).Enqueue(job);
            Monitor.Pulse(_gate);
        }
    }

    // Drops what has not begun and waits for the rest. False if a job still runs when the time is up.
    public bool Stop(TimeSpan timeout)
    {
        long until = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_gate)
        {
            _isStopping = true;
            _waiting.Clear();
            _merges.Clear();
            Monitor.PulseAll(_gate);
        }

        return Array.TrueForAll(_threads, thread => thread.Join((int)Math.Max(1, until - Environment.TickCount64)));
    }

    private bool MayMerge => _merges.Count > 0 && _merging < Math.Max(1, _threads.Length - 1);

    private void Run()
    {
        while (Take() is { } job)
        {
            Exception? failure = null;
            try
            {
                if (job.IsMerge && _pace is not null) { _pace.Run(job.Run); }
                else { job.Run(); }
            }
            catch (Exception e) { failure = e; } // What it means is NodeCore's to decide.
            lock (_gate)
            {
                _running--;
                if (job.IsMerge) { _merging--; }
                Monitor.Pulse(_gate);
            }

            _done(job, failure);
        }
    }

    private NodeJob? Take()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && !MayMerge)
            {
                if (_isStopping) { return null; }
                Monitor.Wait(_gate);
            }

            _running++;
            if (_waiting.TryDequeue(out NodeJob? job)) { return job; }
            _merging++;
            return _merges.Dequeue();
        }
    }
}
