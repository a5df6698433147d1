using Quorate.Core;
using Quorate.Raft;
using Quorate.Replication;

namespace Quorate.Simulation;

/// <summary>
/// Reads every frame that a node sends and holds it to what Raft allows to be said, over the whole run and across crashes: one vote and
/// one leader in each term, one entry in each place, commit indexes that do not go back; and what was promised as durable is there
/// after a restart.
/// </summary>
internal sealed class WireWatch(SimCluster cluster)
{
    private readonly Dictionary<(ShardId, ReplicaId, ulong Directory, Term), ReplicaId> _votes = [];
    private readonly Dictionary<(ShardId, Term), ReplicaId> _leaders = [];
    private readonly Dictionary<(ShardId, Term, ReplicaId To), LogIndex> _commits = [];
    private readonly Dictionary<(ShardId, LogPosition), (uint Payload, Term Previous)> _entries = [];
    private readonly Dictionary<(ShardId, ReplicaId, ulong Directory), Promise> _promises = [];
    private readonly Dictionary<int, List<ShardStatus>> _restarted = [];

    /// <summary>A node is up again: what it knows is compared with its promises once it says which data directory it has.</summary>
    public void Started(SimNode node, NodeCore core)
    {
        // What a fault has taken from its disk it cannot remember; whether it then says too much is for the other nets to see.
        if (!node.IsDamaged && !node.IsForgetful) { _restarted[node.Index] = [.. core.Shards.Select(core.StatusOf).OfType<ShardStatus>()]; }
    }

    /// <summary>A node sends a frame.</summary>
    public void Sent(int node, ReadOnlyMemory<byte> frame)
    {
        ulong directory = PeerFrame.DirectoryOf(frame.Span);
        if (_restarted.Remove(node, out List<ShardStatus>? shards))
        {
            foreach (ShardStatus status in shards) { CheckPromises(status, directory); }
        }

        frame = frame[PeerFrame.HeaderBytes..];
        while (PeerFrame.TryNext(ref frame, out PeerItem item, out ReadOnlyMemory<byte> body))
        {
            if (item != PeerItem.Raft) { continue; }
            var reader = new ByteReader(body.Span);
            if (RaftMessageCodec.TryDecode(ref reader, out RaftMessage? message)) { Said(message, directory); }
        }
    }

    private void Said(RaftMessage message, ulong directory)
    {
        switch (message)
        {
            case RequestVote { IsPreVote: false }: Voted(message, message.From, directory); break;
            case RequestVoteReply { IsPreVote: false, Granted: true }: Voted(message, message.To, directory); break;
            case AppendEntriesReply { Accepted: true } reply: Promised(reply, new(reply.Term, reply.Index), directory); break;
            case AppendEntries append: Appended(append); break;
            default: break;
        }

        if (message.IsFromLeader)
        {
            ReplicaId known = Known(_leaders, (message.Shard, message.Term), message.From);
            Demand(known == message.From, message, $"{known} leads that term already");
        }
    }

    private void Voted(RaftMessage message, ReplicaId candidate, ulong directory)
    {
        ReplicaId known = Known(_votes, (message.Shard, message.From, directory, message.Term), candidate);
        Demand(known == candidate, message, $"in that term it has voted for {known} already");
        Promised(message, new(message.Term, LogIndex.Zero), directory);
    }

    private void Promised(RaftMessage message, Promise promise, ulong directory)
    {
        Promise known = Known(_promises, (message.Shard, message.From, directory), promise);

        // A leader of a later term may have cut off what was confirmed to an earlier one.
        bool isMore = promise.Term > known.Term || (promise.Term == known.Term && promise.Index > known.Index);
        if (isMore) { _promises[(message.Shard, message.From, directory)] = promise; }
    }

    private void Appended(AppendEntries append)
    {
        Term before = append.Previous.Term;
        foreach (LogEntry entry in append.Entries)
        {
            (uint Payload, Term Previous) said = (Crc32C.Compute(entry.Payload.Span) ^ (uint)entry.Kind, before);
            Demand(Known(_entries, (append.Shard, entry.Position), said) == said, append, $"at {entry.Position} there was another entry, or another before it");
            before = entry.Term;
        }

        LogIndex commit = Known(_commits, (append.Shard, append.Term, append.To), append.Commit);
        Demand(append.Commit >= commit, append, $"told of {commit} before");
        _commits[(append.Shard, append.Term, append.To)] = append.Commit;
    }

    private void CheckPromises(ShardStatus status, ulong directory)
    {
        if (!_promises.TryGetValue((status.Shard, status.Replica, directory), out Promise promise)) { return; }
        cluster.Demand(
            status.Term > promise.Term || (status.Term == promise.Term && status.LastIndex >= promise.Index), SimNet.Protocol,
            $"{status.Shard}: replica {status.Replica} starts in term {status.Term} with a log up to {status.LastIndex}; it had confirmed {promise}");
        if (!_votes.TryGetValue((status.Shard, status.Replica, directory, status.Term), out ReplicaId vote)) { return; }
        cluster.Demand(
            status.Vote == vote, SimNet.Protocol,
            $"{status.Shard}: replica {status.Replica} starts in term {status.Term} with a vote for {status.Vote}; it had told of one for {vote}");
    }

    private static TValue Known<TKey, TValue>(Dictionary<TKey, TValue> known, TKey key, TValue said)
        where TKey : notnull => known.TryAdd(key, said) ? said : known[key];

    private void Demand(bool fact, RaftMessage message, string problem)
    {
        if (!fact) { cluster.Demand(false, SimNet.Protocol, $"{message}: {problem}"); }
    }

    /// <summary>What a replica said to be durable: that it is in this term, and in it follows the leader's log up to an index.</summary>
    private readonly record struct Promise(Term Term, LogIndex Index);
}
