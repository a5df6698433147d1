namespace Quorate.Bench.Engine;

/// <summary>One thread's write, and where that thread waits for it. Reused for its next write.</summary>
internal sealed class EngineWriter(int keyBytes)
{
    private readonly object _gate = new();
    private Turn _turn;

    private enum Turn
    {
        Waits,
        Leads,
        IsDone,
    }

    /// <summary>Filled in by the thread before it commits.</summary>
    public byte[] Key { get; } = new byte[keyBytes];

    /// <summary>Unchanged until the commit returns.</summary>
    public ReadOnlyMemory<byte> Value { get; set; }

    /// <summary>Before it is put into the queue.</summary>
    public void Reset() => _turn = Turn.Waits;

    /// <summary>Waits for another thread.</summary>
    /// <returns>True if this thread is to write for all that wait now; false if its write is done.</returns>
    public bool WaitForTurn()
    {
        lock (_gate)
        {
            while (_turn == Turn.Waits) { Monitor.Wait(_gate); }
            return _turn == Turn.Leads;
        }
    }

    /// <summary>Wakes its thread: somebody else has written it.</summary>
    public void SetDone() => Wake(Turn.IsDone);

    /// <summary>Wakes its thread: it writes next.</summary>
    public void SetLeads() => Wake(Turn.Leads);

    private void Wake(Turn turn)
    {
        lock (_gate)
        {
            _turn = turn;
            Monitor.Pulse(_gate);
        }
    }
}
