using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using CompareTarget = Quorate.FrontDoors.Etcd.Protos.Compare.Types.CompareTarget;

namespace Quorate.Simulation;

/// <summary>
/// All that etcd's KV service does: puts, deletes, ranges of the present and the past, transactions, compactions. The whole store is
/// judged at once by its revisions, so that nobody else may write to the shard.
/// </summary>
public sealed partial record EtcdWorkload : EtcdClientWorkload
{
    private readonly Dictionary<string, KeyValue> _seen = []; // As somebody saw it last, so that conditions hold now and then.
    private long _newest = 1;
    private int _values;

    /// <summary>Most bytes of padding in a value. Default: 200.</summary>
    public int PaddingBytes { get; init; } = 200;

    /// <inheritdoc/>
    public override string Name => "etcd";

    /// <inheritdoc/>
    public override void Finish(SimCluster cluster)
    {
        var all = new RangeRequest { Key = Bytes("\0"), RangeEnd = Bytes("\0") };
        JsonObject asked = EtcdMembers.Of(all);
        ReadEverywhere(cluster, all, response => Note(cluster, "range", null, asked, EtcdMembers.Of(response)));
    }

    private protected override void Ask(Session session)
    {
        switch (session.Random.Below(100))
        {
            case < 28:
                Run(session, "put", EtcdMethods.Put, NewPut(session.Random, KeyOf(session.Random)), EtcdMembers.Of, EtcdMembers.Of, r => r.Header);
                break;
            case < 38:
                Run(session, "delete", EtcdMethods.DeleteRange, NewDelete(session.Random), EtcdMembers.Of, EtcdMembers.Of, r => r.Header);
                break;
            case < 68:
                Run(session, "range", EtcdMethods.Range, NewRange(session.Random), EtcdMembers.Of, EtcdMembers.Of, r => r.Header, Remember);
                break;
            case < 97:
                Run(session, "txn", EtcdMethods.Txn, NewTxn(session.Random), EtcdMembers.Of, EtcdMembers.Of, r => r.Header);
                break;
            default:
                var compact = new CompactionRequest { Revision = Math.Max(1, _newest - session.Random.Below(30)) };
                Run(session, "compact", EtcdMethods.Compact, compact, EtcdMembers.Of, EtcdMembers.Of, r => r.Header);
                break;
        }
    }

    private void Run<TRequest, TResponse>(
        Session session, string function, EtcdMethod<TRequest, TResponse> method, TRequest request,
        Func<TRequest, JsonObject> asked, Func<TResponse, JsonObject> heard, Func<TResponse, ResponseHeader> header,
        Action<TResponse>? remember = null)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        bool isWrite = method.IsReadOnly?.Invoke(request) != true;
        Session.Question question = session.Begin(function, null, more: asked(request));
        session.Call(method, request, answer =>
        {
            if (answer.Response is { } response)
            {
                _newest = Math.Max(_newest, header(response).Revision);
                if (isWrite) { AcknowledgedWrites++; }
                remember?.Invoke(response);
                question.Ok(more: heard(response));
            }
            else
            {
                question.Failed(answer.Failure, isWrite);
            }

            session.Idle();
        });
    }

    private void Remember(RangeResponse range)
    {
        foreach (KeyValue kv in range.Kvs) { _seen[kv.Key.ToStringUtf8()] = kv; }
    }

    private PutRequest NewPut(Prng random, string key) => new()
    {
        Key = Bytes(key),
        Value = Bytes(string.Create(CultureInfo.InvariantCulture, $"{++_values}.") + new string('x', random.Below(PaddingBytes + 1))),
        PrevKv = random.Chance(1, 3),
    };

    private DeleteRangeRequest NewDelete(Prng random)
    {
        (string key, string end) = random.Chance(1, 3) ? SpanOf(random) : (KeyOf(random), "");
        return new() { Key = Bytes(key), RangeEnd = Bytes(end), PrevKv = random.Chance(1, 3) };
    }

    private RangeRequest NewRange(Prng random)
    {
        (string key, string end) = random.Below(4) switch
        {
            0 => (KeyOf(random), ""),
            1 => ("\0", "\0"),
            2 => ("k", "l"),
            _ => SpanOf(random),
        };
        return new()
        {
            Key = Bytes(key),
            RangeEnd = Bytes(end),
            Limit = random.Chance(1, 4) ? random.Between(1, 3) : 0,
            Revision = random.Chance(1, 4) ? random.Between(Math.Max(1, _newest - 20), _newest + (random.Chance(1, 10) ? 2 : 0)) : 0,
            Serializable = random.Chance(1, 4),
            CountOnly = random.Chance(1, 8),
            KeysOnly = random.Chance(1, 8),
        };
    }

    private TxnRequest NewTxn(Prng random)
    {
        var txn = new TxnRequest();
        for (int i = random.Below(3); i > 0; i--) { txn.Compare.Add(NewCompare(random)); }
        AddOps(random, txn.Success, 1 + random.Below(3));
        AddOps(random, txn.Failure, random.Below(3));
        return txn;
    }

    private Compare NewCompare(Prng random)
    {
        string key = KeyOf(random);
        KeyValue known = _seen.GetValueOrDefault(key) ?? new KeyValue();
        var compare = new Compare
        {
            Key = Bytes(key),
            Result = (Compare.Types.CompareResult)(random.Chance(2, 3) ? 0 : random.Below(4)),
            Target = (CompareTarget)random.Below(4),
        };
        switch (compare.Target)
        {
            case CompareTarget.Version: compare.Version = known.Version; break;
            case CompareTarget.Create: compare.CreateRevision = known.CreateRevision; break;
            case CompareTarget.Mod: compare.ModRevision = known.ModRevision; break;
            default: compare.Value = known.Value; break;
        }

        return compare;
    }

    // A transaction may write each key once only: its keys are dealt out like cards.
    private void AddOps(Prng random, RepeatedField<RequestOp> ops, int count)
    {
        int first = random.Below(Keys);
        for (int i = 0; i < Math.Min(count, Keys); i++)
        {
            string key = Key((first + i) % Keys);
            ops.Add(random.Below(4) switch
            {
                0 => new RequestOp { RequestRange = NewRange(random) },
                1 => new RequestOp { RequestDeleteRange = new() { Key = Bytes(key), PrevKv = random.Chance(1, 3) } },
                _ => new RequestOp { RequestPut = NewPut(random, key) },
            });
        }
    }

    private (string Key, string End) SpanOf(Prng random)
    {
        int from = random.Below(Keys);
        return (Key(from), Key(from + 1 + random.Below(Keys)));
    }

    private string KeyOf(Prng random) => Key(random.Below(Keys));

    private static string Key(int number) => string.Create(CultureInfo.InvariantCulture, $"k{number:D3}");

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
