namespace Quorate.Simulation;

/// <summary>What a client asked of a register.</summary>
public enum RegisterAction
{
    /// <summary>Read the value.</summary>
    Read,

    /// <summary>Set the value.</summary>
    Write,

    /// <summary>Set the value if it is what the client expects.</summary>
    CompareAndSet,
}

/// <summary>One operation of a client, from asking to answer. Values are numbers, each written at most once; 0 is "no value".</summary>
public sealed record RegisterOperation
{
    /// <summary>Who asked; one operation at a time.</summary>
    public required int Process { get; init; }

    /// <summary>Of which register.</summary>
    public required int Key { get; init; }

    /// <summary>What.</summary>
    public required RegisterAction Action { get; init; }

    /// <summary>Value to be written.</summary>
    public long Value { get; init; }

    /// <summary>Value that a compare-and-set expects.</summary>
    public long Expected { get; init; }

    /// <summary>When it was asked.</summary>
    public required long Invoked { get; init; }

    /// <summary>When the answer came; <see cref="long.MaxValue"/> if none did: it may have happened, or may happen yet.</summary>
    public long Returned { get; set; } = long.MaxValue;

    /// <summary>Value that a read gave.</summary>
    public long Seen { get; set; }

    /// <summary>Whether a compare-and-set found what it expected.</summary>
    public bool Matched { get; set; }

    /// <summary>True if no answer came.</summary>
    public bool IsUnknown => Returned == long.MaxValue;

    /// <inheritdoc/>
    public override string ToString()
    {
        string what = Action switch
        {
            RegisterAction.Read => $"read -> {Seen}",
            RegisterAction.Write => $"write {Value}",
            _ => $"cas {Expected} -> {Value}: {(IsUnknown ? "?" : Matched ? "done" : "no match")}",
        };
        string until = IsUnknown ? "?" : $"{Returned}";
        return $"process {Process} key {Key} [{Invoked}, {until}] {what}";
    }
}

/// <summary>All operations of a run that happened, or may have. (One that certainly did not happen is left out.)</summary>
public sealed class History
{
    private readonly List<RegisterOperation> _operations = [];

    /// <summary>In the order in which they were asked.</summary>
    public IReadOnlyList<RegisterOperation> Operations => _operations;

    /// <summary>Writes that were acknowledged, and compare-and-sets that matched.</summary>
    public int Acknowledged => _operations.Count(o => !o.IsUnknown && (o.Action == RegisterAction.Write || o.Matched));

    /// <summary>Operations without an answer.</summary>
    public int Unknown => _operations.Count(o => o.IsUnknown);

    /// <summary>Notes an operation when it is asked.</summary>
    public void Add(RegisterOperation operation) => _operations.Add(operation);

    /// <summary>Takes back one that certainly did not happen.</summary>
    public void Remove(RegisterOperation operation) => _operations.Remove(operation);
}
