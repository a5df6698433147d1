using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Simulation;

// Keyspaces: shards that are made while the cluster runs, by commands through the first one.
public sealed partial class SimCluster
{
    private static readonly ShardId MetaShard = new(1);

    private readonly List<ShardId> _served = [];

    /// <summary>The shards that it was born with.</summary>
    internal IEnumerable<ShardId> BornShards => _shards.Select(shard => shard.Shard);

    /// <summary>Makes the keyspaces that the options ask for, and waits for their leaders.</summary>
    internal void CreateKeyspaces(TimeSpan within)
    {
        // Again and again: a node may refuse, and a second creation of the same name is refused.
        long askAt = 0;
        RunUntil(
            c =>
            {
                if (c.LeaderOf(MetaShard) is not { } leader) { return false; }
                string[] missing =
                    [.. Enumerable.Range(1, Options.Keyspaces).Select(i => $"served-{i}").Where(name => leader.Core!.Keyspaces.Find(name) is null)];
                if (missing.Length == 0 || c.Now < askAt) { return missing.Length == 0; }
                askAt = c.Now + 500_000;
                foreach (string name in missing) { leader.Do(core => Propose(core, new KvCommand.KeyspaceCreate(name, 0), static _ => { })); }
                return false;
            },
            within);
        _served.AddRange(LeaderOf(MetaShard)!.Core!.Keyspaces.All.Select(keyspace => keyspace.Shard).Order());
        RunUntil(c => _served.All(shard => c.LeaderOf(shard) is not null), within);
    }

    /// <summary>Asks for a change of keyspaces; nobody need answer.</summary>
    internal static void Propose(NodeCore core, KvCommand command, Action<RequestOutcome> ended)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        core.Propose(new KeyspaceRequest { Shard = MetaShard, Command = bytes.ToArray(), Ended = ended });
    }

    // Each member of the first shard knows the same keyspaces, has a replica of each of them and nothing of any other; and each
    // keyspace has the members of the first shard.
    private bool KeyspacesAgree()
    {
        if (LeaderOf(MetaShard)?.Core is not { } leader) { return false; }
        NodeId[] members = [.. leader.StatusOf(MetaShard)!.Members.Select(member => member.Node).Order()];
        foreach (SimNode node in Nodes.Where(node => members.Contains(node.Id) && !node.IsLost))
        {
            if (node.Core is not { } core || !core.Keyspaces.All.SequenceEqual(leader.Keyspaces.All, SameKeyspace)) { return false; }
            foreach (Keyspace keyspace in core.Keyspaces.All)
            {
                if (core.StatusOf(keyspace.Shard) is not { } status || !status.Members.Select(member => member.Node).Order().SequenceEqual(members)) { return false; }
            }

            bool hasOther = node.Disk.List("shards").Any(name =>
                !ulong.TryParse(name, out ulong shard) || (BornShards.All(born => born.Value != shard) && core.Keyspaces.Find(new ShardId(shard)) is null));
            if (hasOther) { return false; }
        }

        return true;
    }

    private static readonly IEqualityComparer<Keyspace> SameKeyspace = EqualityComparer<Keyspace>.Create(
        static (a, b) => a!.Name == b!.Name && a.Shard == b.Shard && a.QuotaBytes == b.QuotaBytes && a.Voters.SequenceEqual(b.Voters),
        static keyspace => keyspace.Shard.Value.GetHashCode());

    private sealed class KeyspaceRequest : ProposeRequest
    {
        public required Action<RequestOutcome> Ended { get; init; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply) => Ended(outcome);
    }
}
