using Quorate.Core;

namespace Quorate.Raft;

/// <summary>Where an election stands.</summary>
internal enum VoteResult
{
    /// <summary>Votes are missing.</summary>
    Pending,

    /// <summary>A majority said no.</summary>
    Lost,

    /// <summary>A majority said yes.</summary>
    Won,
}

/// <summary>What majorities decide. In joint consensus both configurations must agree (Raft paper, section 6).</summary>
internal static class Quorum
{
    /// <summary>The greatest value that a majority of each configuration has reached, given each voter's own.</summary>
    /// <param name="membership">Whose voters count.</param>
    /// <param name="reached">What one voter has reached: an index it holds, a round it has confirmed.</param>
    public static ulong Reached(Membership membership, Func<ReplicaId, ulong> reached)
    {
        ulong incoming = MajorityReached(membership.Voters.AsSpan(), reached);
        return membership.IsJoint
            ? Math.Min(incoming, MajorityReached(membership.Outgoing.AsSpan(), reached))
            : incoming;
    }

    /// <summary>The outcome of an election, given each voter's answer or null.</summary>
    public static VoteResult Votes(Membership membership, Func<ReplicaId, bool?> vote)
    {
        VoteResult incoming = MajorityVotes(membership.Voters.AsSpan(), vote);
        if (!membership.IsJoint) { return incoming; }
        VoteResult outgoing = MajorityVotes(membership.Outgoing.AsSpan(), vote);
        if (incoming == VoteResult.Lost || outgoing == VoteResult.Lost) { return VoteResult.Lost; }
        return incoming == VoteResult.Won && outgoing == VoteResult.Won ? VoteResult.Won : VoteResult.Pending;
    }

    private static ulong MajorityReached(ReadOnlySpan<ReplicaId> voters, Func<ReplicaId, ulong> reached)
    {
        // Nobody to ask decides nothing. Groups always have a voter; only a replica that waits to be told has none.
        if (voters.IsEmpty) { return 0; }
        Span<ulong> values = voters.Length <= 16 ? stackalloc ulong[voters.Length] : new ulong[voters.Length];
        for (int i = 0; i < voters.Length; i++) { values[i] = reached(voters[i]); }
        values.Sort();

        // Ascending: the value at this place and all above it make a majority.
        return values[(voters.Length - 1) / 2];
    }

    private static VoteResult MajorityVotes(ReadOnlySpan<ReplicaId> voters, Func<ReplicaId, bool?> vote)
    {
        int needed = (voters.Length / 2) + 1;
        int granted = 0;
        int open = 0;
        foreach (ReplicaId voter in voters)
        {
            switch (vote(voter))
            {
                case true: granted++; break;
                case null: open++; break;
                default: break;
            }
        }

        if (granted >= needed) { return VoteResult.Won; }
        return granted + open >= needed ? VoteResult.Pending : VoteResult.Lost;
    }
}
