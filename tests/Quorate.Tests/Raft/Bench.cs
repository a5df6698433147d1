using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft;

/// <summary>One replica (always number 1) on the bench: the test plays all others, message by message.</summary>
internal sealed class Bench
{
    private readonly TestReplica _replica;

    /// <param name="voters">The group is 1 to this.</param>
    /// <param name="options">Null: no pre-vote, no quorum check, as in the paper.</param>
    /// <param name="terms">Terms of the entries in the log.</param>
    /// <param name="term">The term; 0 for that of the last entry.</param>
    /// <param name="vote">The vote in it.</param>
    /// <param name="commit">The commit index, all of it applied.</param>
    /// <param name="membership">Instead of voters.</param>
    public Bench(
        int voters = 3, RaftOptions? options = null, int[]? terms = null, int term = 0, int vote = 0, int commit = 0, Membership? membership = null)
    {
        Options = options ?? Plain;
        membership ??= Membership.Of(Enumerable.Range(1, voters).Select(static i => new ReplicaId((ulong)i)));
        _replica = new TestReplica(new ReplicaId(1), State(terms ?? [], term, vote, commit, membership), Options, 42);
    }

    /// <summary>As in the paper: neither pre-vote nor quorum check.</summary>
    public static RaftOptions Plain { get; } = new() { PreVote = false, CheckQuorum = false };

    public RaftOptions Options { get; }

    public RaftCore Core => _replica.Core;

    public TestReplica Replica => _replica;

    public static RaftState State(int[] terms, int term, int vote, int commit, Membership membership)
    {
        int last = Math.Max(term, terms.Length == 0 ? 0 : terms[^1]);
        return RaftState.Founding(membership) with
        {
            HardState = new HardState(new((ulong)last), new((ulong)vote), new((ulong)commit)),
            Entries = Entries(1, terms),
            Applied = new((ulong)commit),
        };
    }

    public static ImmutableArray<LogEntry> Entries(int first, params int[] terms) =>
        [.. terms.Select((term, i) => new LogEntry(new((ulong)(first + i)), new((ulong)term), EntryKind.Command, new byte[] { (byte)term }))];

    public static LogPosition At(int index, int term) => new(new((ulong)index), new((ulong)term));

    public MessageHeader From(int from, int term) => new(TestReplica.Shard, new((ulong)from), new(1), new((ulong)term));

    /// <summary>Elects replica 1 with the votes of a majority. Its first entry is sent, not answered.</summary>
    public Bench Lead()
    {
        Core.Campaign();
        Drain();
        foreach (ReplicaId voter in Core.Membership.All)
        {
            if (Core.Role == Role.PreCandidate) { Step(new RequestVoteReply(From((int)voter.Value, (int)Core.Term.Value + 1), true, true)); }
        }

        Drain();
        foreach (ReplicaId voter in Core.Membership.All)
        {
            if (Core.Role == Role.Candidate) { Step(new RequestVoteReply(From((int)voter.Value, (int)Core.Term.Value), false, true)); }
        }

        Assert.Equal(Role.Leader, Core.Role);
        return this;
    }

    /// <summary>Leads, with its first entry committed.</summary>
    public Bench LeadAndCommit()
    {
        Lead();
        Drain();
        int last = (int)Core.Status.LastIndex.Value;
        foreach (ReplicaId voter in Core.Membership.All) { Accept((int)voter.Value, last); }
        Drain();
        Assert.Equal(Core.Status.LastIndex, Core.Commit);
        return this;
    }

    public Bench Step(RaftMessage message)
    {
        Core.Step(message);
        return this;
    }

    public void Accept(int from, int index) => Step(new AppendEntriesReply(From(from, (int)Core.Term.Value), true, new((ulong)index), LogPosition.Zero));

    public void Append(int term, LogPosition previous, int commit, params int[] terms) =>
        Step(new AppendEntries(From(2, term), previous, Entries((int)previous.Index.Value + 1, terms), new((ulong)commit)));

    /// <summary>Syncs, applies and gives what was sent since the last time.</summary>
    public ImmutableArray<RaftMessage> Drain()
    {
        _replica.Settle();
        return Taken();
    }

    /// <summary>Gives what goes out at once, with nothing synced.</summary>
    public ImmutableArray<RaftMessage> WithoutSync()
    {
        _replica.TakeReady();
        return Taken();
    }

    public ImmutableArray<T> Drain<T>()
        where T : RaftMessage => [.. Drain().OfType<T>()];

    public T One<T>()
        where T : RaftMessage => Assert.Single(Drain<T>());

    public int[] Terms()
    {
        RaftStatus status = Core.Status;
        var terms = new List<int>();
        for (LogIndex index = status.FirstIndex; index <= status.LastIndex; index = index.Next) { terms.Add((int)Core.TermAt(index)!.Value.Value); }
        return [.. terms];
    }

    private ImmutableArray<RaftMessage> Taken()
    {
        ImmutableArray<RaftMessage> sent = [.. _replica.Outbox];
        _replica.Outbox.Clear();
        return sent;
    }
}
