namespace Quorate.Replication;

/// <summary>Requests of this node that wait for their command to be applied, by sequence number. Numbers are given out in order.</summary>
internal sealed class PendingRequests
{
    private ProposeRequest?[] _ring = new ProposeRequest?[64];
    private ulong _first = 1;
    private ulong _next = 1;

    /// <summary>Bytes of the commands that wait.</summary>
    public long Bytes { get; private set; }

    /// <summary>From now on no number is given out that the other has given out. Nothing waits here yet.</summary>
    public void ContinueAfter(PendingRequests other) => _first = _next = other._next;

    /// <summary>Gives the request the next number.</summary>
    public void Add(ProposeRequest request)
    {
        if (_next - _first == (ulong)_ring.Length) { Grow(); }
        request.Sequence = _next++;
        this[request.Sequence] = request;
        Bytes += request.Command.Length;
    }

    /// <summary>The waiting request with this number, or null.</summary>
    public ProposeRequest? Find(ulong sequence) => sequence >= _first && sequence < _next ? this[sequence] : null;

    /// <summary>Removes and gives the waiting request with this number, or null.</summary>
    public ProposeRequest? Take(ulong sequence)
    {
        if (Find(sequence) is not { } request) { return null; }
        this[sequence] = null;
        Bytes -= request.Command.Length;
        while (_first < _next && this[_first] is null) { _first++; }
        return request;
    }

    /// <summary>The oldest waiting request, or null. Requests wait in the order of their deadlines.</summary>
    public ProposeRequest? Oldest => _first < _next ? this[_first] : null;

    /// <summary>Calls for each waiting request, oldest first. The callback must not add or take.</summary>
    public void ForEach(Action<ProposeRequest> action)
    {
        for (ulong i = _first; i < _next; i++)
        {
            if (this[i] is { } request) { action(request); }
        }
    }

    private ProposeRequest? this[ulong sequence]
    {
        get => _ring[sequence & (ulong)(_ring.Length - 1)];
        set => _ring[sequence & (ulong)(_ring.Length - 1)] = value;
    }

    private void Grow()
    {
        ProposeRequest?[] old = _ring;
        var grown = new ProposeRequest?[old.Length * 2];
        for (ulong i = _first; i < _next; i++) { grown[i & (ulong)(grown.Length - 1)] = old[i & (ulong)(old.Length - 1)]; }
        _ring = grown;
    }
}
