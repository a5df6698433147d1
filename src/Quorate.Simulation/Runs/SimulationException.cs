namespace Quorate.Simulation;

/// <summary>The nets of a run: what can show that something is wrong.</summary>
public enum SimNet
{
    /// <summary>An assertion in the product, or an exception that a node should not survive.</summary>
    Invariants,

    /// <summary>Every request is answered once, by its deadline.</summary>
    Answers,

    /// <summary>What nodes say to each other obeys Raft, and what they said to be durable is there after a restart.</summary>
    Protocol,

    /// <summary>All replicas apply the same commands at the same entry.</summary>
    Logs,

    /// <summary>Replicas that stood at the same entry had the same state there.</summary>
    States,

    /// <summary>After healing everything works again within a bound.</summary>
    Liveness,

    /// <summary>The checker of the clients' history.</summary>
    Histories,

    /// <summary>Something must have happened at all.</summary>
    Canary,
}

/// <summary>A simulated run broke a promise. The message begins with the seed that shows it again.</summary>
public sealed class SimulationException : Exception
{
    /// <summary>Creates the exception.</summary>
    public SimulationException(SimNet net, string message, Exception? cause = null)
        : base(message, cause) => Net = net;

    /// <summary>What caught it.</summary>
    public SimNet Net { get; }
}
