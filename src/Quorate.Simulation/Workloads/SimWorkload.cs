using Quorate.Simulation.Checkers;

namespace Quorate.Simulation;

/// <summary>What clients ask of a cluster, and the check of what they heard. One object serves one cluster.</summary>
public abstract record SimWorkload
{
    /// <summary>Kebab-case; in verdicts and options.</summary>
    public abstract string Name { get; }

    /// <summary>Clients. Default: 8.</summary>
    public int Clients { get; init; } = 8;

    /// <summary>Keys that they share, spread over the shards. Default: 4.</summary>
    public int Keys { get; init; } = 4;

    /// <summary>All that was asked and heard so far, in the words of the model that it names.</summary>
    public abstract History History { get; }

    /// <summary>Operations asked so far that happened or may have.</summary>
    public abstract int Operations { get; }

    /// <summary>Writes that were acknowledged so far.</summary>
    public abstract int Acknowledged { get; }

    /// <summary>True if no operation waits for its answer.</summary>
    public abstract bool IsIdle { get; }

    /// <summary>Starts the clients; they ask nothing after the end (simulated microseconds). May be called again after that.</summary>
    public abstract void Start(SimCluster cluster, long end);

    /// <summary>Waits, on a healed cluster, until nothing that was asked changes the state by itself any more.</summary>
    /// <exception cref="SimulationException">That takes longer than it may.</exception>
    public virtual void Settle(SimCluster cluster)
    {
    }

    /// <summary>Reads all there is on every node, when all replicas agree: what was acknowledged must be there at the end.</summary>
    public abstract void Finish(SimCluster cluster);

    /// <summary>Writes all that was asked and heard so far, for <c>quorate check</c>.</summary>
    public void WriteHistory(HistoryWriter writer)
    {
        foreach (HistoryEvent line in History.Events) { writer.Write(line); }
    }

    /// <summary>Judges the history.</summary>
    /// <exception cref="SimulationException">It breaks the promise.</exception>
    public abstract void Check();
}
