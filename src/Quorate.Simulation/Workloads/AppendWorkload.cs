using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using CompareTarget = Quorate.FrontDoors.Etcd.Protos.Compare.Types.CompareTarget;

namespace Quorate.Simulation;

/// <summary>
/// Transactions that read lists and append to them. A list is one key's value. All lists of a transaction are read in one etcd transaction,
/// and written in a second one on the condition that none has changed meanwhile: strictly serializable.
/// </summary>
public sealed record AppendWorkload : EtcdClientWorkload
{
    // Above it, a transaction that keeps losing to others gives up.
    private const int MostTries = 4;

    private readonly Dictionary<int, int> _appends = []; // By slot: values appended so far, or tried.

    /// <summary>Appends after which a list is left alone and a new one begins. Default: 40, so that it fits into an entry.</summary>
    public int ListSize { get; init; } = 40;

    /// <inheritdoc/>
    public override string Name => "append";

    /// <inheritdoc/>
    public override void Finish(SimCluster cluster)
    {
        foreach ((int slot, int appends) in _appends)
        {
            for (int i = 0; i <= appends / ListSize; i++)
            {
                string list = NameOf(slot, i);
                ReadEverywhere(cluster, new RangeRequest { Key = KeyOf(list) }, response => Note(
                    cluster, "txn", null,
                    new() { ["value"] = new JsonArray { new JsonArray { "r", list, null } } },
                    new() { ["value"] = new JsonArray { new JsonArray { "r", list, Json(ValuesIn(response)) } } }));
            }
        }
    }

    private protected override void Ask(Session session)
    {
        var steps = new Step[1 + session.Random.Below(4)];
        for (int i = 0; i < steps.Length; i++) { steps[i] = NewStep(session); }
        new Transaction(this, session, steps, session.Begin("txn", null, Json(steps, answers: null))).Read();
    }

    private Step NewStep(Session session)
    {
        int slot = session.Random.Below(Keys);
        int appends = _appends.GetValueOrDefault(slot);
        if (session.Random.Chance(1, 2)) { return new(NameOf(slot, appends / ListSize), 0); }
        _appends[slot] = appends + 1;
        return new(NameOf(slot, appends / ListSize), appends + 1);
    }

    private static string NameOf(int slot, int generation) => string.Create(CultureInfo.InvariantCulture, $"{slot}.{generation}");

    private static ByteString KeyOf(string list) => ByteString.CopyFromUtf8("a" + list);

    private static List<int> ValuesIn(RangeResponse range) => range.Kvs.Count == 0
        ? []
        : [.. range.Kvs[0].Value.ToStringUtf8().Split(',').Select(value => int.Parse(value, CultureInfo.InvariantCulture))];

    private static JsonArray Json(IEnumerable<int> values) => [.. values.Select(value => JsonValue.Create(value))];

    private static JsonArray Json(Step[] steps, JsonArray?[]? answers) =>
        [.. steps.Select((step, i) => step.IsAppend
            ? new JsonArray { "append", step.List, step.Value }
            : new JsonArray { "r", step.List, answers?[i] })];

    private readonly record struct Step(string List, int Value)
    {
        public bool IsAppend => Value != 0;
    }

    private sealed class Transaction(AppendWorkload workload, Session session, Step[] steps, Session.Question question)
    {
        private readonly string[] _lists = [.. steps.Select(step => step.List).Distinct()];
        private int _tries;

        public void Read()
        {
            var read = new TxnRequest();
            read.Success.AddRange(_lists.Select(list => new RequestOp { RequestRange = new RangeRequest { Key = KeyOf(list) } }));
            session.Call(EtcdMethods.Txn, read, answer =>
            {
                if (answer.Response is { } response) { Write([.. response.Responses.Select(r => r.ResponseRange)]); }
                else { End(() => question.Failed(answer.Failure, isWrite: false)); }
            });
        }

        private void Write(RangeResponse[] seen)
        {
            List<int>[] values = [.. seen.Select(ValuesIn)];
            var answers = new JsonArray?[steps.Length];
            for (int i = 0; i < steps.Length; i++)
            {
                List<int> list = values[Array.IndexOf(_lists, steps[i].List)];
                if (steps[i].IsAppend) { list.Add(steps[i].Value); }
                else { answers[i] = Json(list); }
            }

            if (!steps.Any(step => step.IsAppend))
            {
                End(() => question.Ok(Json(steps, answers)));
                return;
            }

            var write = new TxnRequest();
            for (int i = 0; i < _lists.Length; i++)
            {
                ByteString key = KeyOf(_lists[i]);
                long mod = seen[i].Kvs.Count == 0 ? 0 : seen[i].Kvs[0].ModRevision;
                write.Compare.Add(new Compare { Key = key, Target = CompareTarget.Mod, ModRevision = mod });
                if (!steps.Any(step => step.IsAppend && step.List == _lists[i])) { continue; }
                string text = string.Join(',', values[i].Select(value => value.ToString(CultureInfo.InvariantCulture)));
                write.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8(text) } });
            }

            session.Call(EtcdMethods.Txn, write, answer =>
            {
                if (answer.Response is null)
                {
                    End(() => question.Failed(answer.Failure, isWrite: true));
                }
                else if (answer.Response.Succeeded)
                {
                    workload.AcknowledgedWrites++;
                    End(() => question.Ok(Json(steps, answers)));
                }
                else if (++_tries < MostTries)
                {
                    Read();
                }
                else
                {
                    End(() => question.Refused());
                }
            });
        }

        private void End(Action note)
        {
            note();
            session.Idle();
        }
    }
}
