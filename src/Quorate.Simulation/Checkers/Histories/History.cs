using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quorate.Simulation.Checkers;

/// <summary>What the clients of one run asked and heard, with times of one clock, and the faults meanwhile. For one thread.</summary>
public sealed class History
{
    private readonly List<HistoryEvent> _events = [];
    private readonly List<HistoryOperation> _operations = [];
    private readonly OperationPairing _pairing = new();

    /// <summary>The model that the recorder had in mind, if it said so.</summary>
    public string? Model { get; set; }

    /// <summary>What the recorder said about the run (seed, version); its kind is Undefined if nothing.</summary>
    public JsonElement About { get; set; }

    /// <summary>All lines, in the order of the file.</summary>
    public IReadOnlyList<HistoryEvent> Events => _events;

    /// <summary>All operations, in the order of asking in the file; those that failed too.</summary>
    public IReadOnlyList<HistoryOperation> Operations => _operations;

    /// <summary>The faults.</summary>
    public IEnumerable<HistoryEvent> Faults => _events.Where(e => e.IsFault);

    /// <summary>Operations of unknown outcome.</summary>
    public int Unknown => _operations.Count(o => o.IsUnknown);

    /// <summary>Takes the next line.</summary>
    /// <exception cref="HistoryException">It does not fit what its process said before.</exception>
    public void Add(HistoryEvent next)
    {
        if (!next.IsFault && _pairing.Take(next, _operations.Count) is { } begun) { _operations.Add(begun); }
        _events.Add(next);
    }

    /// <summary>Notes what a client asks, now.</summary>
    /// <param name="process">The client; it has nothing else open, and nothing of unknown outcome behind it.</param>
    /// <param name="function">The operation's name.</param>
    /// <param name="time">Microseconds.</param>
    /// <param name="key">The object asked for, if any.</param>
    /// <param name="value">Argument, if any.</param>
    public HistoryOperation Invoke(int process, string function, long time, string? key = null, JsonNode? value = null)
    {
        Add(HistoryEvent.Create(process, HistoryEventType.Invoke, function, time, key, value));
        return _operations[^1];
    }

    /// <summary>Notes what a client heard, now.</summary>
    /// <param name="operation">What it had asked.</param>
    /// <param name="type">How it ended; not <see cref="HistoryEventType.Invoke"/>.</param>
    /// <param name="time">Microseconds.</param>
    /// <param name="value">Result, if any.</param>
    /// <param name="applied">False if a compare did not hold.</param>
    public void Complete(HistoryOperation operation, HistoryEventType type, long time, JsonNode? value = null, bool applied = true) =>
        Add(HistoryEvent.Create(operation.Process, type, operation.Function, time, operation.Key, value, applied));
}
