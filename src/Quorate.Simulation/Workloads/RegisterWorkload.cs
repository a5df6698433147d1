using System.Buffers.Binary;
using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Simulation;

/// <summary>
/// Clients that read, write and compare-and-set a few registers through whichever node they like. Each client waits for its
/// answer before it goes on; every written value is unique, so that a read tells which write it saw.
/// </summary>
public sealed record RegisterWorkload : SimWorkload
{
    /// <summary>Mean milliseconds between an answer and the next question. Default: 100.</summary>
    public int ThinkMillis { get; init; } = 100;

    /// <summary>Bytes of padding in each value, so that files fill up. Default: 200.</summary>
    public int PaddingBytes { get; init; } = 200;

    private long _lastValue;
    private int _busy;

    /// <summary>All that was asked so far.</summary>
    public History History { get; } = new();

    /// <inheritdoc/>
    public override string Name => "register";

    /// <inheritdoc/>
    public override int Operations => History.Operations.Count;

    /// <inheritdoc/>
    public override int Acknowledged => History.Acknowledged;

    /// <inheritdoc/>
    public override bool IsIdle => _busy == 0;

    /// <inheritdoc/>
    public override void Start(SimCluster cluster, long end)
    {
        Prng random = cluster.StreamFor($"{Name} at {cluster.Now}");
        for (int i = 0; i < Clients; i++) { Next(cluster, History, end, i, random.Split((ulong)i)); }
    }

    /// <inheritdoc/>
    public override void Check()
    {
        try
        {
            Linearizability.Check(History);
        }
        catch (NotLinearizableException failure)
        {
            throw new SimulationException(SimNet.Histories, failure.Message, failure);
        }
    }

    /// <summary>
    /// Reads every register on every node that has it, when all replicas agree: what was acknowledged must be there at the end.
    /// </summary>
    public override void Finish(SimCluster cluster)
    {
        History history = History;
        foreach (SimNode node in cluster.Nodes)
        {
            for (int key = 0; key < Keys; key++)
            {
                ShardId shard = ShardOf(cluster, key);
                NodeId place = node.Id;
                bool isMember = cluster.LeaderOf(shard)?.Core?.StatusOf(shard)?.Members.Any(member => member.Node == place) ?? false;
                if (!isMember || node.Core?.OpenLocalView(shard) is not { } view) { continue; }
                using (view)
                {
                    history.Add(new()
                    {
                        Process = -1,
                        Key = key,
                        Action = RegisterAction.Read,
                        Invoked = cluster.Now,
                        Returned = cluster.Now,
                        Seen = ValueIn(view, key),
                    });
                }
            }
        }
    }

    private static ShardId ShardOf(SimCluster cluster, int key) => new((ulong)(key % cluster.Options.Shards) + 1);

    private void Next(SimCluster cluster, History history, long end, int process, Prng random)
    {
        cluster.After(random.Between(1_000, ThinkMillis * 2_000L), () =>
        {
            if (cluster.Now >= end) { return; }
            SimNode node = cluster.Nodes[random.Below(cluster.Nodes.Length)];
            if (node.Core is null)
            {
                Next(cluster, history, end, process, random);
                return;
            }

            RegisterOperation operation = Choose(cluster, history, process, random);
            history.Add(operation);
            _busy++;
            bool isDone = false;
            long connection = 0;

            // The answer comes while the node runs; what follows from it is an event of its own.
            Action<bool, Action> finish = (known, note) =>
            {
                cluster.Demand(!isDone, SimNet.Answers, $"answered twice: {operation}");
                isDone = true;
                node.HangUp(connection);
                cluster.Trace(node.Index, "answer", known ? 1u : 0u);
                if (known)
                {
                    note();
                    operation.Returned = cluster.Now;
                }

                _busy--;
                Next(cluster, history, end, process, random);
            };
            connection = node.Connect(() => finish(false, static () => { }));
            ShardId shard = ShardOf(cluster, operation.Key);
            if (operation.Action == RegisterAction.Read)
            {
                node.Do(core => core.Read(new Reading
                {
                    Shard = shard,
                    Key = operation.Key,
                    Finish = (outcome, seen) =>
                    finish(outcome == RequestOutcome.Done, () => operation.Seen = seen)
                }));
            }
            else
            {
                node.Do(core => core.Propose(new Writing
                {
                    Shard = shard,
                    Command = CommandOf(operation),
                    Finish = (outcome, matched) =>
                    {
                        if (outcome is not (RequestOutcome.Done or RequestOutcome.Unknown)) { history.Remove(operation); }
                        finish(outcome == RequestOutcome.Done, () => operation.Matched = matched);
                    },
                }));
            }
        });
    }

    private RegisterOperation Choose(SimCluster cluster, History history, int process, Prng random)
    {
        int key = random.Below(Keys);
        RegisterAction action = random.Below(10) switch { < 5 => RegisterAction.Read, < 8 => RegisterAction.Write, _ => RegisterAction.CompareAndSet };
        long expected = history.Operations.LastOrDefault(o => o.Key == key && o.Value != 0)?.Value ?? 0;
        return new()
        {
            Process = process,
            Key = key,
            Action = action,
            Invoked = cluster.Now,
            Value = action == RegisterAction.Read ? 0 : ++_lastValue,
            Expected = action == RegisterAction.CompareAndSet ? expected : 0,
        };
    }

    private static byte[] KeyBytes(int key) => [(byte)'r', (byte)key];

    private static long ValueIn(IReadView view, int key)
    {
        ImmutableArray<KeyValueRecord> records = KvQueries.Range(view, new() { Key = KeyBytes(key) }).Records;
        return records.IsEmpty ? 0 : BinaryPrimitives.ReadInt64LittleEndian(records[0].Value.Span);
    }

    private byte[] ValueBytes(long value)
    {
        byte[] bytes = new byte[8 + PaddingBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes;
    }

    private byte[] CommandOf(RegisterOperation operation)
    {
        var put = new KvCommand.Put(KeyBytes(operation.Key), ValueBytes(operation.Value));
        KvCommand command = put;
        if (operation.Action == RegisterAction.CompareAndSet)
        {
            KvCompare compare = operation.Expected == 0
                ? new() { Target = KvCompareTarget.Version, Result = KvCompareResult.Equal, Key = put.Key, Number = 0 }
                : new() { Target = KvCompareTarget.Value, Result = KvCompareResult.Equal, Key = put.Key, Value = ValueBytes(operation.Expected) };
            command = new KvCommand.Txn([compare], [put], []);
        }

        var writer = new ByteWriter();
        command.Encode(writer);
        return writer.ToArray();
    }

    private sealed class Writing : ProposeRequest
    {
        public required Action<RequestOutcome, bool> Finish { get; init; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
        {
            bool matched = false;
            if (outcome == RequestOutcome.Done)
            {
                bool isReadable = KvReply.TryDecode(reply.ToArray(), out KvReply? answer);
                Invariant.Holds(isReadable && answer is KvReply.Put or KvReply.Txn, $"the reply is {answer}");
                matched = answer is KvReply.Txn { Succeeded: true };
            }

            Finish(outcome, matched);
        }
    }

    private sealed class Reading : ReadRequest
    {
        public required int Key { get; init; }

        public required Action<RequestOutcome, long> Finish { get; init; }

        public override void Complete(RequestOutcome outcome, IReadView? view)
        {
            long seen = 0;
            if (view is not null)
            {
                using IReadView closing = view;
                seen = ValueIn(view, Key);
            }

            Finish(outcome, seen);
        }
    }
}
