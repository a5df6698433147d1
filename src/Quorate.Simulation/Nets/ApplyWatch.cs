using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>What all replicas of all shards have applied, entry by entry: the same everywhere, over the whole run and across crashes.</summary>
internal sealed class ApplyWatch(SimCluster cluster)
{
    private const ulong HashStart = 14695981039346656037;

    private SilentRecords Changes => cluster.Changes;

    private readonly Dictionary<(ShardId, LogIndex), (ulong Commands, LogIndex Before, int Node)> _applied = [];

    /// <summary>A machine that tells of what it is given.</summary>
    public IStateMachine Watched(IStateMachine machine, ShardId shard, int node) => new Machine(this, machine, shard, node);

    // An entry whose commands were all done before applies none, so the one before counts too, if it is known.
    private void Applied(ShardId shard, LogIndex index, ulong commands, LogIndex before, int node)
    {
        if (!_applied.TryGetValue((shard, index), out (ulong Commands, LogIndex Before, int Node) known))
        {
            _applied.Add((shard, index), (commands, before, node));
            return;
        }

        bool isSame = commands == known.Commands && (before == known.Before || before == LogIndex.Zero || known.Before == LogIndex.Zero);
        cluster.Demand(
            isSame, SimNet.Logs,
            $"{shard}: nodes {known.Node + 1} and {node + 1} applied different commands at entry {index} (after {known.Before} and {before})");
        if (known.Before == LogIndex.Zero) { _applied[(shard, index)] = (commands, before, node); }
    }

    private sealed class Machine(ApplyWatch watch, IStateMachine machine, ShardId shard, int node) : IStateMachine
    {
        private LogIndex _before; // 0 if not known.
        private LogIndex _index;
        private ulong _commands;

        public void Open(IStoreReader store)
        {
            _before = _index = LogIndex.Zero;
            machine.Open(store);
        }

        public void Apply(in CommittedCommand command, IStoreWriter store, ByteWriter reply)
        {
            Add(command.Index, Crc32C.Compute(command.Payload) ^ (command.StampedAt.Value << 8) ^ ((ulong)command.Clock << 32));
            machine.Apply(command, store, reply);
            watch.Changes.Applied(shard, node, store);
        }

        public bool ChangesMembers(ReadOnlySpan<byte> command) => machine.ChangesMembers(command);

        public MemberVerdict? JudgeMembers(
            ReadOnlySpan<byte> command, ImmutableArray<MemberFact> members, NodeId fresh, IStoreReader store) =>
            machine.JudgeMembers(command, members, fresh, store);

        public KeyspaceList Keyspaces => machine.Keyspaces;

        public long? NextDeadline => machine.NextDeadline;

        public void ApplyTimer(LogIndex index, long due, IStoreWriter store)
        {
            Add(index, (ulong)due);
            machine.ApplyTimer(index, due, store);
        }

        public void Finish(IStoreWriter store)
        {
            EndEntry();
            machine.Finish(store);
        }

        public int FilterPrefixLength(ReadOnlySpan<byte> key) => machine.FilterPrefixLength(key);

        public ICompactionFilter? CreateCompactionFilter(IStoreReader store) => machine.CreateCompactionFilter(store);

        public IStateChecks? Checks => machine.Checks;

        public ulong HashState(IStoreReader store) => machine.HashState(store);

        private void Add(LogIndex index, ulong hash)
        {
            if (index != _index)
            {
                EndEntry();
                (_index, _commands) = (index, HashStart);
            }

            _commands = unchecked((_commands ^ hash) * 1099511628211);
        }

        private void EndEntry()
        {
            if (_index == LogIndex.Zero) { return; }
            watch.Applied(shard, _index, _commands, _before, node);
            (_before, _index) = (_index, LogIndex.Zero);
        }
    }
}
