namespace Quorate.Raft;

/// <summary>Timers and limits of a Raft replica. Read once, when the replica starts.</summary>
public sealed record RaftOptions
{
    /// <summary>Ticks between a leader's heartbeats. Default: 1.</summary>
    public int HeartbeatTicks { get; init; } = 1;

    /// <summary>Ticks of silence before a follower campaigns; drawn anew from [n, 2n) each time. Default: 10.</summary>
    public int ElectionTicks { get; init; } = 10; // Ten heartbeats, as etcd-io/raft advises in Config.ElectionTick.

    /// <summary>Most bytes of entries in one AppendEntries; a single larger entry still goes alone. Default: 1 MiB, as in etcd.</summary>
    public int MaxAppendBytes { get; init; } = 1024 * 1024;

    /// <summary>Most AppendEntries in flight to one follower. Default: 512, as in etcd.</summary>
    public int MaxInflightMessages { get; init; } = 512;

    /// <summary>Most bytes of entries in flight to one follower. Default: 8 MiB; our own choice: eight full messages.</summary>
    public long MaxInflightBytes { get; init; } = 8L * 1024 * 1024;

    /// <summary>Most bytes of entries that wait for commitment before proposals are refused. Default: 64 MiB; our own choice.</summary>
    public long MaxUncommittedBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Most bytes of committed entries in one Ready. Default: 1 MiB, so that one slice of applying stays short.</summary>
    public long MaxCommittedBytes { get; init; } = 1024 * 1024;

    /// <summary>A node asks for pre-votes before it disturbs a group with a new term (Raft thesis, 9.6). Default: on.</summary>
    public bool PreVote { get; init; } = true;

    /// <summary>A leader that hears no majority for an election timeout steps down (Raft thesis, 6.2). Default: on.</summary>
    public bool CheckQuorum { get; init; } = true;

    /// <summary>
    /// Serves ReadIndex without a round of heartbeats while CheckQuorum holds the leader's lease (Raft thesis, 6.4.1).
    /// Linearizable only while clocks drift little. Default: off.
    /// </summary>
    public bool LeaseReads { get; init; }

    /// <summary>A leader that is removed, or made a learner, steps down once that is applied. Default: on.</summary>
    public bool StepDownOnRemoval { get; init; } = true;

    /// <summary>Says what is wrong with these options, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (HeartbeatTicks < 1) { yield return $"raft.heartbeatTicks is {HeartbeatTicks}; the least is 1."; }
        if (MaxAppendBytes < 4096) { yield return $"raft.maxAppendBytes is {MaxAppendBytes}; the least is 4096."; }
        if (MaxInflightMessages < 1) { yield return $"raft.maxInflightMessages is {MaxInflightMessages}; the least is 1."; }
        if (MaxInflightBytes < MaxAppendBytes)
        {
            yield return $"raft.maxInflightBytes is {MaxInflightBytes}; the least is raft.maxAppendBytes, {MaxAppendBytes}.";
        }

        if (LeaseReads && !CheckQuorum)
        {
            yield return "raft.leaseReads is on and raft.checkQuorum is off; a lease needs checkQuorum.";
        }

        if (ElectionTicks / 3 < HeartbeatTicks)
        {
            yield return $"raft.electionTicks is {ElectionTicks}; the least is {3L * HeartbeatTicks}, three " +
                "heartbeats, so that a single lost heartbeat does not start an election.";
        }
    }
}
