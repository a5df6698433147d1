namespace Quorate.Simulation.Checkers;

/// <summary>How an operation ended, as far as its client can know.</summary>
public enum HistoryOutcome
{
    /// <summary>It was answered: it happened between asking and answer.</summary>
    Ok,

    /// <summary>It was refused, and had and will have no effect.</summary>
    Failed,

    /// <summary>No answer tells: it may have happened since it was asked, may happen yet, or never.</summary>
    Unknown,
}

/// <summary>One operation of a client: the line that asked and the line that answered.</summary>
public sealed class HistoryOperation
{
    /// <summary>Creates an operation that waits for its answer.</summary>
    /// <param name="index">Its place among the history's operations, in the order of asking in the file.</param>
    /// <param name="invoke">The line that asked.</param>
    public HistoryOperation(int index, HistoryEvent invoke)
    {
        Index = index;
        Invoke = invoke;
    }

    /// <summary>Its place among the history's operations.</summary>
    public int Index { get; }

    /// <summary>The line that asked.</summary>
    public HistoryEvent Invoke { get; }

    /// <summary>The line that answered; null if there is none, which is the same as <see cref="HistoryEventType.Info"/>.</summary>
    public HistoryEvent? Completion { get; internal set; }

    /// <summary>How it ended.</summary>
    public HistoryOutcome Outcome => Completion?.Type switch
    {
        HistoryEventType.Ok => HistoryOutcome.Ok,
        HistoryEventType.Fail => HistoryOutcome.Failed,
        _ => HistoryOutcome.Unknown,
    };

    /// <summary>True if nobody knows whether it happened.</summary>
    public bool IsUnknown => Outcome == HistoryOutcome.Unknown;

    /// <summary>The client.</summary>
    public int Process => Invoke.Process;

    /// <summary>The operation's name.</summary>
    public string Function => Invoke.Function;

    /// <summary>The object asked for, if any.</summary>
    public string? Key => Invoke.Key;

    /// <summary>When it was asked, in microseconds.</summary>
    public long Invoked => Invoke.Time;

    /// <summary>When its answer came; <see cref="long.MaxValue"/> if nobody knows whether it happened.</summary>
    public long Returned => IsUnknown ? long.MaxValue : Completion!.Time;
}
