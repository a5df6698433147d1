namespace Quorate.Simulation.Checkers;

/// <summary>What an operation did to a register, or may have done.</summary>
internal enum RegisterKind
{
    /// <summary>Saw a value.</summary>
    Read,

    /// <summary>Set a value. Whether it did is unknown if it has no return.</summary>
    Write,

    /// <summary>Saw the expected value and replaced it: a compare-and-set that matched.</summary>
    Swap,

    /// <summary>Saw a value other than the expected one: a compare-and-set that did not match.</summary>
    Mismatch,

    /// <summary>A compare-and-set without an answer: a swap, a mismatch, or nothing.</summary>
    Attempt,
}

/// <summary>An operation on one register. Values are numbers given to the distinct texts of a key; 0 is "no value".</summary>
internal sealed record RegisterOperation
{
    /// <summary>The number that stands for "no value", which a register holds at the start.</summary>
    public const int Nothing = 0;

    /// <summary>The client's operation; null for a write that stands for what was before (<see cref="CounterExample"/>).</summary>
    public required HistoryOperation? Source { get; init; }

    public required RegisterKind Kind { get; init; }

    /// <summary>The value that a read saw, or that a compare-and-set expects.</summary>
    public int Seen { get; init; }

    /// <summary>The value that a write or compare-and-set sets.</summary>
    public int Value { get; init; }

    public required long Invoked { get; init; }

    /// <summary><see cref="long.MaxValue"/> if nobody knows whether it happened.</summary>
    public required long Returned { get; init; }

    public bool IsUnknown => Returned == long.MaxValue;

    /// <summary>True if it may change the register.</summary>
    public bool Sets => Kind is RegisterKind.Write or RegisterKind.Swap or RegisterKind.Attempt;

    /// <summary>True if it certainly found the register at <see cref="Seen"/>.</summary>
    public bool Sees => Kind is RegisterKind.Read or RegisterKind.Swap;

    /// <summary>True if it fits a register of this value; then what it leaves behind.</summary>
    public bool TryApply(int value, out int after)
    {
        after = Sets ? Value : value;
        return Kind switch
        {
            RegisterKind.Write => true,
            RegisterKind.Mismatch => Seen != value,
            _ => Seen == value, // An attempt that does not match changes nothing, so it need not be placed.
        };
    }
}
