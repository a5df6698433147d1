using System.Text.Json;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Node;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;
using Quorate.Tests.StateMachines;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public sealed class EtcdLargeRangeTests
{
    private static readonly ByteString Zero = ByteString.CopyFrom(0);
    private static readonly RangeRequest Everything = new() { Key = Zero, RangeEnd = Zero };

    // Goal: an answer too large to be made whole is, for the client, the same as if it were: records, order, count, more; over gRPC and JSON.
    [Theory]
    [InlineData(0, false, false, 0)]
    [InlineData(0, true, false, 0)]
    [InlineData(90, false, false, 0)]
    [InlineData(89, false, true, 0)]
    [InlineData(0, false, true, 0)]
    [InlineData(0, false, false, 40)]
    [InlineData(88, false, false, 40)]
    public async Task A_large_answer_is_whole(int limit, bool ascending, bool serializable, int minModRevision)
    {
        await using EtcdDoor door = await Filled();
        var request = new RangeRequest(Everything)
        {
            Limit = limit,
            SortOrder = ascending ? RangeRequest.Types.SortOrder.Ascend : RangeRequest.Types.SortOrder.None,
            Serializable = serializable,
            MinModRevision = minModRevision,
        };
        RangeResponse expected = await OneByOne(door, request);
        Assert.True(expected.CalculateSize() > 4_300_000, $"{expected.CalculateSize()} bytes are no test");

        RangeResponse answer = await door.Call(EtcdMethods.Range, request);
        Assert.Equal(expected.Kvs, answer.Kvs);
        Assert.Equal((expected.Count, expected.More), (answer.Count, answer.More));
        Assert.Equal(expected.Header, answer.Header);

        string json = await door.Post("/v3/kv/range", JsonFormatter.Default.Format(request));
        Assert.StartsWith("200 ", json, StringComparison.Ordinal);
        using var parsed = JsonDocument.Parse(json[4..]);
        JsonElement root = parsed.RootElement;
        Assert.Equal(["header", "kvs", .. expected.More ? new[] { "more" } : [], "count"], root.EnumerateObject().Select(p => p.Name));
        Assert.Equal($"{expected.Count}", root.GetProperty("count").GetString());
        Assert.Equal(
            expected.Kvs.Select(kv => kv.Key.ToBase64() + kv.Value.ToBase64() + kv.ModRevision),
            root.GetProperty("kvs").EnumerateArray().Select(kv =>
                kv.GetProperty("key").GetString() + (kv.TryGetProperty("value", out JsonElement value) ? value.GetString() : "")
                + kv.GetProperty("mod_revision").GetString()));
        Assert.Equal(0, door.Node.OpenViews);
    }

    // Goal: writes while a large answer is on its way are not in it; a compaction of its revision breaks it off, and the client never takes a part for the whole.
    [Fact]
    public async Task An_answer_that_is_overtaken_is_of_one_revision_or_none()
    {
        await using EtcdDoor door = await Filled();
        long revision = (await door.Call(EtcdMethods.Range, new RangeRequest(Everything) { CountOnly = true })).Header.Revision;
        var past = new RangeRequest(Everything) { Revision = revision };
        RangeResponse before = await door.Call(EtcdMethods.Range, past);
        for (int i = 0; i < 20; i++) { await door.Put($"k{i:D3}", "later"); }
        Assert.Equal(before.Kvs, (await door.Call(EtcdMethods.Range, past)).Kvs);

        // The reads of the rest: the second one finds the revision gone.
        int reads = 0;
        Task<ProposeResult>? compacting = null;
        var compact = new ByteWriter();
        new KvCommand.Compact(revision + 5, Physical: false).Encode(compact);
        door.Node.BeforeRead = () =>
        {
            if (++reads == 3) { compacting = door.Node.ProposeAsync(FakeNode.Shard, compact.WrittenMemory).AsTask(); }
        };
        string error = await door.ErrorOf(EtcdMethods.Range, past);
        Assert.True(reads >= 3, $"{reads} reads: nothing was overtaken");
        Assert.DoesNotContain("OK", error, StringComparison.Ordinal);
        door.Node.BeforeRead = null;
        Assert.Equal(RequestOutcome.Done, (await compacting!).Outcome);
        string json = await door.Post("/v3/kv/range", "{\"key\":\"AA==\",\"range_end\":\"AA==\",\"revision\":" + revision + "}");
        Assert.StartsWith("400 ", json, StringComparison.Ordinal);
        await door.AssertServes();
        Assert.DoesNotContain(door.Log.All, line => line.Contains("bug", StringComparison.OrdinalIgnoreCase));
    }

    // Goal: what must be sorted is held in memory up to a bound, and refused beyond it.
    [Fact]
    public void A_sort_is_bounded()
    {
        var kv = new KeyValueHarness();
        for (int i = 0; i < 70; i++) { kv.Do(KeyValueHarness.Put($"k{i:D2}", new string('v', 1024))); }
        var sorted = new RangeQuery { Key = new byte[1], RangeEnd = new byte[1], SortOrder = KvSortOrder.Descending };
        var meter = new Nothing();
        Assert.Equal(KvRefusal.TooLargeToSort, KvQueries.RangeHead(kv.Store, sorted, 1000, meter).Refusal);
        Assert.Equal(70, KvQueries.RangeHead(kv.Store, sorted, 2000, meter).Records.Length);
    }

    private sealed class Nothing : IRecordMeter
    {
        public void Add(int keyBytes, int valueBytes, in KeyValueRecord record) => throw Invariant.Unreachable(record);
    }

    // Values of many lengths, empty too; keys with zeros; a lease below zero takes the longest number.
    private static async Task<EtcdDoor> Filled()
    {
        EtcdDoor door = await EtcdDoor.Open();
        await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = long.MaxValue - 7, TTL = 1000 });
        for (int i = 0; i < 100; i++)
        {
            await door.Call(EtcdMethods.Put, new PutRequest
            {
                Key = ByteString.CopyFromUtf8(i % 3 == 0 ? $"k{i:D3}\0{new string('\0', i)}x" : $"k{i:D3}"),
                Value = i % 10 == 9 ? ByteString.Empty : ByteString.CopyFrom(new byte[(i % 7 * 20_000) + i]),
                Lease = i % 5 == 0 ? long.MaxValue - 7 : 0,
            });
        }

        for (int i = 0; i < 30; i++) { await door.Put($"z{i:D3}", new string('b', 150_000)); }
        return door;
    }

    // The same answer, from answers that are small.
    private static async Task<RangeResponse> OneByOne(EtcdDoor door, RangeRequest request)
    {
        RangeResponse keys = await door.Call(EtcdMethods.Range, new RangeRequest(request) { KeysOnly = true });
        var whole = new RangeResponse(keys);
        whole.Kvs.Clear();
        foreach (KeyValue key in keys.Kvs)
        {
            whole.Kvs.Add((await door.Call(EtcdMethods.Range, new RangeRequest { Key = key.Key })).Kvs.Single());
        }

        return whole;
    }
}
