using Quorate.Core;
using Quorate.Replication;
using Quorate.Storage.Wal;

namespace Quorate.Node.Loop;

internal enum InboxKind : byte
{
    Proposal,
    Read,
    Frame,
    Disconnected,
    Persisted,
    JobDone,
    Call,
}

// One thing for the loop to do. Which fields are used depends on the kind; a struct, so that posting allocates nothing.
internal readonly record struct InboxItem(
    InboxKind Kind, object? Subject = null, object? Detail = null, NodeId Peer = default, ReadOnlyMemory<byte> Bytes = default);

/*
 * What waits for the loop: any thread posts, the loop takes all at once. Requests are bounded here by count and bytes and
 * refused beyond that; frames are bounded by their links; everything else is bounded by what the loop itself has started.
 */
internal sealed class Inbox(int maxRequests, long maxRequestBytes)
{
    // What a request costs beside its command: the object, its place here and in NodeCore.
    private const int RequestBytes = 256;
    private const int LittleBytes = 4096;

    private readonly object _gate = new();
    private InboxItem[] _filling = new InboxItem[256];
    private InboxItem[] _taken = new InboxItem[256];
    private int _count;
    private int _takenCount;
    private int _requests;
    private long _requestBytes;
    private bool _loopSleeps;
    private bool _isHelped;
    private bool _loopIsAskedFor;
    private bool _isClosed;

    public (int Requests, long Bytes) Waiting
    {
        get { lock (_gate) { return (_requests, _requestBytes); } }
    }

    // Null if it was taken; else why not. If helps, the caller must run a turn in the sleeping loop's place, then EndHelp.
    public RequestOutcome? PostRequest(in InboxItem item, int commandBytes, out bool helps)
    {
        helps = false;
        lock (_gate)
        {
            if (_isClosed) { return RequestOutcome.Stopping; }
            long bytes = RequestBytes + (long)commandBytes;
            // A large command is let in when nothing else waits, so that no limit makes it impossible for ever.
            if (_requests >= maxRequests || (_requests > 0 && _requestBytes + bytes > maxRequestBytes))
            {
                return RequestOutcome.TooBusy;
            }

            _requests++;
            _requestBytes += bytes;
            helps = !RequestBatch.HasMore && TryBeginHelp();
            Add(item);
            return null;
        }
    }

    // For everything that must not be refused. False if the loop has ended: it goes nowhere then.
    public bool Post(in InboxItem item)
    {
        lock (_gate)
        {
            if (!_isClosed) { Add(item); }
            return !_isClosed;
        }
    }

    // Durable batches come back together: one lock, one wake-up. True: the caller must help, as for PostRequest. The sync thread
    // helps only with little: what many clients wait for is better applied while it syncs what comes next.
    public bool PostPersisted(List<WalBatch> batches)
    {
        bool isLittle = batches.Count == 1 && batches[0].Bytes <= LittleBytes;
        lock (_gate)
        {
            if (_isClosed) { return false; }
            bool helps = isLittle && TryBeginHelp();
            foreach (WalBatch batch in batches) { Add(new InboxItem(InboxKind.Persisted, batch)); }
            return helps;
        }
    }

    // What waits, for a thread that helps.
    public ReadOnlySpan<InboxItem> TakeToHelp()
    {
        lock (_gate) { return TakeAll(); }
    }

    // The help is over; the loop goes on if there is anything left for it.
    public void EndHelp(bool hasMore)
    {
        lock (_gate)
        {
            _isHelped = false;
            _loopIsAskedFor = hasMore || _isClosed;
            if (_count > 0 || _loopIsAskedFor || !_loopSleeps) { Monitor.PulseAll(_gate); }
        }
    }

    // All that waits, in order; waits up to the timeout if there is nothing. Valid until the next call.
    public ReadOnlySpan<InboxItem> Take(int timeoutMilliseconds)
    {
        lock (_gate)
        {
            if (_count == 0 && timeoutMilliseconds > 0 && !_isClosed)
            {
                _loopSleeps = true;
                Monitor.Wait(_gate, timeoutMilliseconds);
                _loopSleeps = false;
            }

            while (_isHelped) { Monitor.Wait(_gate); }
            _loopIsAskedFor = false;
            return TakeAll();
        }
    }

    private ReadOnlySpan<InboxItem> TakeAll()
    {
        Array.Clear(_taken, 0, _takenCount); // Nothing taken is kept alive by the array.
        (_filling, _taken) = (_taken, _filling);
        _takenCount = _count;
        _count = 0;
        _requests = 0;
        _requestBytes = 0;
        return _taken.AsSpan(0, _takenCount);
    }

    // Only in place of a loop that sleeps with nothing to do: then one wake-up of a thread is saved, and nothing is overtaken.
    private bool TryBeginHelp()
    {
        if (!_loopSleeps || _isHelped || _loopIsAskedFor || _count > 0 || _isClosed) { return false; }
        _isHelped = true;
        return true;
    }

    // Nothing is taken in any more; wakes the loop.
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Add(in InboxItem item)
    {
        if (_count == _filling.Length) { Array.Resize(ref _filling, _count * 2); }
        _filling[_count++] = item;
        if (_loopSleeps && !_isHelped)
        {
            _loopSleeps = false; // One wake-up is enough.
            Monitor.Pulse(_gate);
        }
    }
}
