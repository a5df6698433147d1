using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Simulation;

/// <summary>Sets that only grow: an element is a key under the set's prefix, a read is a range of the prefix. A full set is followed by the next.</summary>
public sealed record SetWorkload : EtcdClientWorkload
{
    private int _elements;

    /// <summary>Elements after which a set is left alone. Default: 60; each read carries them all.</summary>
    public int SetSize { get; init; } = 60;

    /// <inheritdoc/>
    public override string Name => "set";

    /// <inheritdoc/>
    public override void Finish(SimCluster cluster)
    {
        for (int set = 0; set <= _elements / SetSize; set++)
        {
            string name = NameOf(set);
            ReadEverywhere(cluster, WholeSet(name), response => Note(cluster, "read", name, [], new() { ["value"] = ElementsOf(response) }));
        }
    }

    private protected override void Ask(Session session)
    {
        if (session.Random.Chance(1, 2)) { Add(session); }
        else { Read(session); }
    }

    private void Add(Session session)
    {
        int element = _elements++;
        string set = NameOf(element / SetSize);
        Session.Question question = session.Begin("add", set, element);
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(string.Create(CultureInfo.InvariantCulture, $"{set}/{element}")) };
        session.Call(EtcdMethods.Put, put, answer =>
        {
            if (answer.Response is null)
            {
                question.Failed(answer.Failure, isWrite: true);
            }
            else
            {
                AcknowledgedWrites++;
                question.Ok();
            }

            session.Idle();
        });
    }

    // Mostly of the set that grows; now and then of the one before, whose last adds may still be under way.
    private void Read(Session session)
    {
        int newest = _elements / SetSize;
        string set = NameOf(session.Random.Chance(1, 5) ? Math.Max(0, newest - 1) : newest);
        Session.Question question = session.Begin("read", set);
        session.Call(EtcdMethods.Range, WholeSet(set), answer =>
        {
            if (answer.Response is { } response) { question.Ok(ElementsOf(response)); }
            else { question.Failed(answer.Failure, isWrite: false); }
            session.Idle();
        });
    }

    private static string NameOf(int set) => string.Create(CultureInfo.InvariantCulture, $"set{set}");

    // '0' follows '/'.
    private static RangeRequest WholeSet(string set) =>
        new() { Key = ByteString.CopyFromUtf8(set + "/"), RangeEnd = ByteString.CopyFromUtf8(set + "0") };

    private static JsonArray ElementsOf(RangeResponse range) =>
        [.. range.Kvs.Select(kv => JsonValue.Create(int.Parse(kv.Key.ToStringUtf8().Split('/')[1], CultureInfo.InvariantCulture)))];
}
