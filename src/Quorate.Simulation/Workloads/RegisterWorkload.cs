using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Replication;
using Quorate.Simulation.Checkers;
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

    /// <summary>The first so many shards are used. Default: 0, which means all.</summary>
    public int Shards { get; init; }

    private readonly Dictionary<int, List<long>> _asked = []; // By register: the values that may have been set.
    private long _lastValue;
    private int _busy;
    private int _processes;
    private int _acknowledged;

    /// <inheritdoc/>
    public override History History { get; } = new() { Model = "register" };

    /// <inheritdoc/>
    public override string Name => "register";

    /// <inheritdoc/>
    public override int Operations => History.Operations.Count(o => o.Outcome != HistoryOutcome.Failed);

    /// <inheritdoc/>
    public override int Acknowledged => _acknowledged;

    /// <inheritdoc/>
    public override bool IsIdle => _busy == 0;

    /// <inheritdoc/>
    public override void Start(SimCluster cluster, long end)
    {
        Prng random = cluster.StreamFor($"{Name} at {cluster.Now}");
        for (int i = 0; i < Clients; i++) { Next(cluster, end, cluster.ClientLinks.NextClient(), _processes++, random.Split((ulong)i)); }
    }

    /// <inheritdoc/>
    public override void Check()
    {
        Verdict verdict = Models.Register.Check(History, new());
        if (!verdict.IsLegal) { throw new SimulationException(SimNet.Histories, verdict.Explanation); }
    }

    /// <summary>
    /// Reads every register on every node that has it, when all replicas agree: what was acknowledged must be there at the end.
    /// </summary>
    public override void Finish(SimCluster cluster)
    {
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
                    HistoryOperation read = History.Invoke(_processes++, "read", cluster.Now, NameOf(key));
                    History.Complete(read, HistoryEventType.Ok, cluster.Now, Json(ValueIn(view, key)));
                }
            }
        }
    }

    private ShardId ShardOf(SimCluster cluster, int key) =>
        new((ulong)(key % (Shards == 0 ? cluster.Options.Shards : Shards)) + 1);

    private void Next(SimCluster cluster, long end, int client, int process, Prng random)
    {
        cluster.After(random.Between(1_000, ThinkMillis * 2_000L), () =>
        {
            if (cluster.Now >= end) { return; }
            SimNode node = cluster.Nodes[random.Below(cluster.Nodes.Length)];
            if (node.Core is null || cluster.ClientLinks.Reaches?.Invoke(client, node.Index) == false)
            {
                Next(cluster, end, client, process, random);
                return;
            }

            Question question = Choose(random);
            HistoryOperation operation = History.Invoke(process, question.Function, cluster.Now, NameOf(question.Key), question.Argument);
            _busy++;
            cluster.Note(node.Index, $"asked: {operation.Invoke}");
            bool isDone = false;
            long connection = 0;

            // The answer comes while the node runs; what follows from it is an event of its own.
            Action<HistoryEventType, long, bool> finish = (type, seen, applied) =>
            {
                cluster.Demand(!isDone, SimNet.Answers, $"answered twice: {operation.Invoke}");
                isDone = true;
                node.HangUp(connection);
                History.Complete(operation, type, cluster.Now, Json(seen), applied);
                cluster.Trace(node.Index, "answer", type == HistoryEventType.Ok ? 1u : 0u, $"{operation.Completion}");
                if (type == HistoryEventType.Ok && question.IsWrite && applied) { _acknowledged++; }
                if (type == HistoryEventType.Fail && question.IsWrite) { _asked[question.Key].Remove(question.Value); }
                _busy--;
                Next(cluster, end, client, type == HistoryEventType.Info ? _processes++ : process, random);
            };
            connection = node.Connect(() => finish(HistoryEventType.Info, 0, true));
            ShardId shard = ShardOf(cluster, question.Key);
            if (!question.IsWrite)
            {
                node.Do(core => core.Read(new Reading
                {
                    Shard = shard,
                    Key = question.Key,
                    Finish = (outcome, seen) =>
                    finish(outcome == RequestOutcome.Done ? HistoryEventType.Ok : HistoryEventType.Fail, seen, true)
                }));
            }
            else
            {
                node.Do(core => core.Propose(new Writing
                {
                    Shard = shard,
                    Command = CommandOf(question),
                    Told = revision =>
                    {
                        using IReadView? next = core.OpenLocalView(shard);
                        cluster.Demand(
                            next is null || KvQueries.CurrentRevision(next) >= revision, SimNet.Answers,
                            $"node {node.Index + 1} tells of revision {revision} before a reader can see it");
                    },
                    Finish = (outcome, matched) => finish(
                        outcome switch { RequestOutcome.Done => HistoryEventType.Ok, RequestOutcome.Unknown => HistoryEventType.Info, _ => HistoryEventType.Fail },
                        0,
                        question.Function == "write" || matched),
                }));
            }
        });
    }

    private Question Choose(Prng random)
    {
        int key = random.Below(Keys);
        string function = random.Below(10) switch { < 5 => "read", < 8 => "write", _ => "cas" };
        if (function == "read") { return new(function, key, 0, 0); }
        if (!_asked.TryGetValue(key, out List<long>? asked)) { _asked.Add(key, asked = []); }
        long expected = function == "cas" && asked.Count > 0 ? asked[^1] : 0;
        asked.Add(++_lastValue);
        return new(function, key, expected, _lastValue);
    }

    private static string NameOf(int key) => string.Create(CultureInfo.InvariantCulture, $"r{key}");

    private static JsonValue? Json(long value) => value == 0 ? null : JsonValue.Create(value);

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

    private byte[] CommandOf(Question operation)
    {
        var put = new KvCommand.Put(KeyBytes(operation.Key), ValueBytes(operation.Value));
        KvCommand command = put;
        if (operation.Function == "cas")
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

    // Values are numbers, each written at most once; 0 is "no value".
    private sealed record Question(string Function, int Key, long Expected, long Value)
    {
        public bool IsWrite => Function != "read";

        public JsonNode? Argument => Function switch
        {
            "write" => Json(Value),
            "cas" => new JsonArray(Json(Expected), Json(Value)),
            _ => null,
        };
    }

    private sealed class Writing : ProposeRequest
    {
        public required Action<RequestOutcome, bool> Finish { get; init; }

        public required Action<long> Told { get; init; }

        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply)
        {
            bool matched = false;
            if (outcome == RequestOutcome.Done)
            {
                bool isReadable = KvReply.TryDecode(reply.ToArray(), out KvReply? answer);
                Invariant.Holds(isReadable && answer is KvReply.Put or KvReply.Txn, $"the reply is {answer}");
                matched = answer is KvReply.Txn { Succeeded: true };
                Told(answer!.Revision);
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
                try
                {
                    seen = ValueIn(view, Key);
                }
                catch (Exception refusal) when (refusal is DiskException or CorruptFileException)
                {
                    outcome = RequestOutcome.Unknown; // The door reads the view, and tells its client; the node lives.
                }
            }

            Finish(outcome, seen);
        }
    }
}
