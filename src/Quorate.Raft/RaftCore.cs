using Quorate.Core;

namespace Quorate.Raft;

/// <summary>
/// Raft for one replica of one shard: takes messages and ticks, changes its state, queues output for <see cref="TakeReady"/>.
/// No I/O, no clock, no thread; the same calls with the same seed give the same outputs.
/// </summary>
/// <remarks>Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014); Ongaro's thesis for the rest.</remarks>
public sealed partial class RaftCore
{
    private readonly ShardId _shard;
    private readonly ReplicaId _id;
    private readonly RaftOptions _options;
    private readonly Prng _random;
    private readonly RaftLog _log;
    private readonly PersistQueue _persists = new();
    private Role _role = Role.Follower;
    private Term _term;
    private ReplicaId _vote;
    private ReplicaId _leader;
    private LogIndex _commit;
    private LogIndex _applied;
    private LogIndex _handedOut; // Committed entries up to here are in some Ready.
    private Membership _membership;
    private long _ticks;
    private long _electionElapsed;
    private int _heartbeatElapsed;
    private int _electionTimeout;

    /// <summary>Starts a replica from what its disk holds.</summary>
    /// <param name="shard">The group.</param>
    /// <param name="id">This replica.</param>
    /// <param name="options">Timers and limits.</param>
    /// <param name="state">What its disk holds.</param>
    /// <param name="random">For election timeouts; a stream of its own.</param>
    /// <exception cref="ArgumentException">The options have problems.</exception>
    public RaftCore(ShardId shard, ReplicaId id, RaftOptions options, RaftState state, Prng random)
    {
        if (options.Problems().FirstOrDefault() is { } problem) { throw new ArgumentException(problem, nameof(options)); }
        Invariant.Holds(!id.IsNone, $"a replica of {shard} has no id");
        _shard = shard;
        _id = id;
        _options = options;
        _random = random;
        _log = new RaftLog(state.Snapshot.Position, state.Entries);
        Invariant.Holds(state.HardState.Commit <= _log.LastIndex, $"{state.HardState} and a log that ends at {_log.Last}");
        Invariant.Holds(state.Applied <= _log.LastIndex, $"applied {state.Applied} and a log that ends at {_log.Last}");

        // A snapshot, or state applied from entries a majority had, may be on disk without the hard state that went with it.
        _term = state.HardState.Term > _log.Last.Term ? state.HardState.Term : _log.Last.Term;
        _vote = _term == state.HardState.Term ? state.HardState.Vote : ReplicaId.None;
        _savedHardState = state.HardState;
        _membership = state.Snapshot.Membership;
        _applied = state.Snapshot.Position.Index;
        _commit = LogIndex.Max(state.HardState.Commit, LogIndex.Max(state.Applied, _applied));
        _handedOut = LogIndex.Max(state.Applied, _applied);
        Applied(_handedOut);
        _voteEmbargo = options.LeaseReads ? options.ElectionTicks : 0;
        _indexHeld = HeldBy;
        _roundConfirmed = ConfirmedBy;
        _voteOf = VoteOf;
        DrawElectionTimeout();
        BeginRecall(state.Life, state.HasForgotten);
    }

    /// <summary>State, for the host's decisions and for people.</summary>
    public RaftStatus Status => new(
        _id, _role, _term, _vote, _leader, _commit, _applied, _log.FirstIndex, _log.LastIndex, _membership, _transferee,
        [.. _peers.Where(peer => peer.Id != _id && peer.Leaving == 0).Select(static peer => peer.View())]);

    /// <summary>What this replica does.</summary>
    public Role Role => _role;

    /// <summary>Its term.</summary>
    public Term Term => _term;

    /// <summary>Whom it takes for the leader, or none.</summary>
    public ReplicaId Leader => _leader;

    /// <summary>Whom it voted for in its term, or none.</summary>
    public ReplicaId Vote => _vote;

    /// <summary>The membership as of the last applied membership entry.</summary>
    public Membership Membership => _membership;

    /// <summary>Highest index known to be committed.</summary>
    public LogIndex Commit => _commit;

    /// <summary>Last index of the log.</summary>
    public LogIndex LastIndex => _log.LastIndex;

    /// <summary>
    /// Entries up to here are on this replica's disk; 0 while a received snapshot is not. Committed entries beyond it may be
    /// applied, but the state machine's files must not get ahead of it: after a crash, entries that were about to be replaced
    /// would follow a state that was made without them.
    /// </summary>
    public LogIndex DurableIndex => _log.Durable;

    /// <summary>Bytes of payload held in the log.</summary>
    public long LogBytes => _log.Bytes;

    /// <summary>The term of an entry, or null if it is not in the log any more or not yet. Known for the last compacted one too.</summary>
    public Term? TermAt(LogIndex index) => _log.TermAt(index);

    /// <summary>Takes one message from a peer. Changes this replica's state and queues output; nothing else.</summary>
    /// <param name="message">Of this shard. One meant for another replica (an earlier copy on this node) is ignored.</param>
    public void Step(RaftMessage message)
    {
        Invariant.Holds(message.Shard == _shard, $"message for {message.Shard} reached {_shard}");
        if (message.To != _id || message.From == _id) { return; }
        if (message is Recall or RecallReply)
        {
            StepRecall(message);
            return;
        }

        if (message.Term < _term)
        {
            AnswerStale(message);
            return;
        }

        if (message is RequestVote && IsRecalling) { return; }
        if (message is RequestVote { IsTransfer: false } withheld && IsVoteWithheld)
        {
            Probes.VoteWithheld.Hit();
            if (withheld.IsPreVote && !_membership.Contains(message.From))
            {
                // It may have been removed without hearing of it, and would ask for ever.
                Probes.StrangerTold.Hit();
                Send(RefuseAsRemoved(withheld));
            }

            return;
        }

        // A pre-vote, and the grant of one, name a term that nobody has entered yet (Raft thesis, 9.6).
        bool announcesTerm = message is not (RequestVote { IsPreVote: true } or RequestVoteReply { IsPreVote: true, Granted: true });
        if (message.Term > _term && announcesTerm)
        {
            BecomeFollower(message.Term, message.IsFromLeader ? message.From : ReplicaId.None);
        }

        if (message.IsFromLeader) { AcknowledgeLeader(message); }
        switch (message)
        {
            case RequestVote request: AnswerVote(request); break;
            case AppendEntries append: FollowAppend(append); break;
            case Heartbeat heartbeat: FollowHeartbeat(heartbeat); break;
            case InstallSnapshot install: FollowSnapshot(install.Header, install.Snapshot); break;
            case TimeoutNow: CampaignForTransfer(); break;
            case ReadIndexReply reply: _reads.Answered(new ReadState(reply.Context, reply.Index)); break;
            case RequestVoteReply reply: CountVote(reply); break;
            case AppendEntriesReply or HoldsUncounted or HeartbeatReply or TransferRequest or ReadIndexRequest when _role != Role.Leader: break;
            case AppendEntriesReply reply: LeadAppendReply(reply); break;
            case HoldsUncounted holds: LeadAccepted(holds.From, holds.Index, counts: false); break;
            case HeartbeatReply reply: LeadHeartbeatReply(reply); break;
            case TransferRequest request: TransferLeadership(request.Transferee); break;
            case ReadIndexRequest request: LeadRead(request.From, request.Context); break;
            default: throw Invariant.Unreachable(message);
        }
    }

    /// <summary>One tick of the host's clock has passed.</summary>
    public void Tick()
    {
        _ticks++;
        _electionElapsed++;
        if (_voteEmbargo > 0) { _voteEmbargo--; }
        TickRecall();
        if (_role == Role.Leader)
        {
            TickLeader();
        }
        else if (_electionElapsed >= _electionTimeout && MayCampaign)
        {
            Campaign();
        }
    }

    /// <summary>
    /// Replaces the election timeout drawn at random, until the next one is drawn (with each change of term, leader or role).
    /// For tests that need to say who campaigns.
    /// </summary>
    /// <param name="ticks">At least 1.</param>
    public void SetElectionTimeout(int ticks)
    {
        Invariant.Holds(ticks >= 1, $"election timeout of {ticks}");
        _electionTimeout = ticks;
    }

    /// <summary>A follower forgets its leader within the term, so that it grants pre-votes. With lease reads on, nothing happens.</summary>
    public void ForgetLeader()
    {
        // The leader's lease relies on followers that remember it.
        if (_role == Role.Follower && !_options.LeaseReads) { _leader = ReplicaId.None; }
    }

    /// <summary>
    /// The connection to the leader broke, which a crashed process shows at once: forget it, and campaign within three heartbeats
    /// instead of a whole election timeout. A leader that others still hear is safe: they refuse the pre-vote.
    /// </summary>
    public void LeaderUnreachable()
    {
        if (_role != Role.Follower || _leader.IsNone || _options.LeaseReads || !_options.PreVote) { return; }
        ForgetLeader();
        _electionTimeout = (int)Math.Min(_electionTimeout, _electionElapsed + 1 + _random.Below(3 * _options.HeartbeatTicks));
    }

    /// <summary>Answers a message of an older term where silence would leave its sender stuck (Raft paper, 5.1).</summary>
    private void AnswerStale(RaftMessage message)
    {
        switch (message)
        {
            // A leader of the past: our term makes it step down. It matters with PreVote and CheckQuorum, where no
            // disturbing campaign of ours would tell it.
            case AppendEntries or Heartbeat or InstallSnapshot:
                Probes.StaleLeader.Hit();
                SendAfterPersist(new AppendEntriesReply(HeaderTo(message.From), false, LogIndex.Zero, LogPosition.Zero));
                break;
            case RequestVote request:
                SendAfterPersist(new RequestVoteReply(HeaderTo(message.From), request.IsPreVote, false, Committed));
                break;
            default: break;
        }
    }

    /// <summary>A message only the leader of our term can have sent: follow it.</summary>
    private void AcknowledgeLeader(RaftMessage message)
    {
        // Election safety (Raft paper, figure 3): at most one leader per term.
        Invariant.Holds(_role != Role.Leader, $"{message.From} leads term {_term}, and so do we");
        Invariant.Holds(_leader.IsNone || _leader == message.From, $"{message.From} and {_leader} lead term {_term}");
        if (_role != Role.Follower) { BecomeFollower(_term, message.From); }
        _leader = message.From;
        _electionElapsed = 0;
    }

    private void BecomeFollower(Term term, ReplicaId leader)
    {
        Reset(term);
        _role = Role.Follower;
        _leader = leader;
    }

    /// <summary>Forgets what belongs to one term and one role.</summary>
    private void Reset(Term term)
    {
        Invariant.Holds(term >= _term, $"term moves back from {_term} to {term}");
        if (term != _term)
        {
            _term = term;
            _vote = ReplicaId.None;
            _sharedWithLeader = LogIndex.Zero;
            _withheldAnswer = null;
        }

        _leader = ReplicaId.None;
        _electionElapsed = 0;
        _heartbeatElapsed = 0;
        _votes.Clear();
        _peers = [];
        _transferee = ReplicaId.None;
        _pendingMembership = LogIndex.Zero;
        _uncommittedBytes = 0;
        _lease = null;
        _mayBeDeposed = false;
        _reads.Drop(_id);
        DrawElectionTimeout();
    }

    private void DrawElectionTimeout() => _electionTimeout = _options.ElectionTicks + _random.Below(_options.ElectionTicks);

    private MessageHeader HeaderTo(ReplicaId to) => new(_shard, _id, to, _term);
}
