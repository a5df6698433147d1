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

    private readonly object _gate = new();
    private InboxItem[] _filling = new InboxItem[256];
    private InboxItem[] _taken = new InboxItem[256];
    private int _count;
    private int _takenCount;
    private int _requests;
    private long _requestBytes;
    private bool _loopSleeps;
    private bool _isClosed;

    public (int Requests, long Bytes) Waiting
    {
        get { lock (_gate) { return (_requests, _requestBytes); } }
    }

    // Null if it was taken; else why not.
    public RequestOutcome? PostRequest(in InboxItem item, int commandBytes)
    {
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

    // Durable batches come back together: one lock, one wake-up.
    public void PostPersisted(List<WalBatch> batches)
    {
        lock (_gate)
        {
            if (_isClosed) { return; }
            foreach (WalBatch batch in batches) { Add(new InboxItem(InboxKind.Persisted, batch)); }
        }
    }

    // All that waits, in order; waits up to the timeout if there is nothing. Valid until the next call.
    public ReadOnlySpan<InboxItem> Take(int timeoutMilliseconds)
    {
        Array.Clear(_taken, 0, _takenCount); // Nothing taken is kept alive by the array.
        lock (_gate)
        {
            if (_count == 0 && timeoutMilliseconds > 0 && !_isClosed)
            {
                _loopSleeps = true;
                Monitor.Wait(_gate, timeoutMilliseconds);
                _loopSleeps = false;
            }

            (_filling, _taken) = (_taken, _filling);
            _takenCount = _count;
            _count = 0;
            _requests = 0;
            _requestBytes = 0;
            return _taken.AsSpan(0, _takenCount);
        }
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
        if (_loopSleeps)
        {
            _loopSleeps = false; // One wake-up is enough.
            Monitor.Pulse(_gate);
        }
    }
}
