namespace Quorate.Simulation.Checkers;

/// <summary>How transactions must fit together; each level allows everything that the next stronger one allows.</summary>
public enum ConsistencyLevel
{
    /// <summary>Some order of all transactions, one at a time, that also keeps the order in which clients saw them end and begin.</summary>
    StrictSerializable,

    /// <summary>Some order of all transactions, one at a time; a client may see the past.</summary>
    Serializable,

    /// <summary>Every transaction reads one snapshot, and of two that overlap and write the same object one fails.</summary>
    SnapshotIsolation,
}

/// <summary>How to check.</summary>
public sealed record CheckOptions
{
    /// <summary>Threads that may work at once. Default: 1, as a simulation needs it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Columns that a diagram may use. Default: 110.</summary>
    public int Width { get; init; } = 110;

    /// <summary>Most states that the search about one key may visit before it is given up as undecided. Default: 2 million, some 20 seconds.</summary>
    public int MaxStates { get; init; } = 2_000_000;

    /// <summary>What transactions must satisfy. Default: strict serializability.</summary>
    public ConsistencyLevel Level { get; init; } = ConsistencyLevel.StrictSerializable;
}

/// <summary>A promise that a system makes about what its clients see. It never changes.</summary>
public interface IModel
{
    /// <summary>The word for it on the command line and in a history's first line.</summary>
    string Name { get; }

    /// <summary>What it promises, in one sentence.</summary>
    string About { get; }

    /// <summary>Compares a history with the promise. The history is not changed.</summary>
    /// <exception cref="HistoryException">A line is not one that this model knows.</exception>
    Verdict Check(History history, CheckOptions options);
}
