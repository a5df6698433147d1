// Goal: the Maintenance service over the wire, in etcd's words.
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public class EtcdMaintenanceTests
{
    private const string NoSpace = "ResourceExhausted: etcdserver: mvcc: database space exceeded";

    // Goal: damage that a read meets is told to the client, and to the node, which heals.
    [Fact]
    public async Task The_node_is_told_of_damage_that_a_read_has_met()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        var damage = new CorruptFileException("shards/1/gen-000001/000001.sst", 4096, "the checksum disagrees");
        door.Node.BeforeRead = () => throw damage;
        Assert.Equal("DataLoss: etcdserver: corrupt cluster", await door.ErrorOf(EtcdMethods.Range, EtcdDoor.NewRange("a")));
        Assert.Same(damage, Assert.Single(door.Node.Damages));
    }

    [Fact]
    public async Task What_would_exceed_the_quota_raises_the_alarm_and_only_clearing_it_lets_writes_in_again()
    {
        await using EtcdDoor door = await EtcdDoor.Open(static options => options with { QuotaBytes = 10_000 });
        await door.Put("a", "1");
        door.Node.DiskBytes = 9_000;
        await door.Put("a", new string('x', 700)); // And 256 bytes that etcd allows for a key.
        int before = door.Node.Proposals;
        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", new string('x', 743))));
        Assert.Equal(before + 1, door.Node.Proposals); // The alarm, and not the put.
        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", new string('x', 743))));
        Assert.Equal(before + 1, door.Node.Proposals);

        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "small")));
        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = 60 }));
        var txn = new TxnRequest();
        txn.Failure.Add(new RequestOp { RequestPut = EtcdDoor.NewPut("a", "1") });
        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.Txn, txn));
        RangeResponse read = await door.Call(EtcdMethods.Range, EtcdDoor.NewRange("a"));
        Assert.Equal(700, read.Kvs.Single().Value.Length);
        Assert.StartsWith("503 {\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}", await door.Get("/health"), StringComparison.Ordinal);
        Assert.StartsWith("200 ", await door.Get("/health?exclude=NOSPACE"), StringComparison.Ordinal);
        Assert.Equal("200 ok\n", await door.Get("/readyz"));

        StatusResponse status = await door.Call(EtcdMethods.Status, new StatusRequest());
        Assert.Equal(["memberID:161 alarm:NOSPACE "], status.Errors);
        Assert.Equal((10_000, 9_000), (status.DbSizeQuota, status.DbSize));

        door.Node.DiskBytes = 5_000;
        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "small")));
        AlarmResponse cleared = await door.Call(EtcdMethods.Alarm, new AlarmRequest
        {
            Action = AlarmRequest.Types.AlarmAction.Deactivate,
            MemberID = 161,
            Alarm = AlarmType.Nospace,
        });
        Assert.Equal("161", string.Join(' ', cleared.Alarms.Select(static alarm => alarm.MemberID)));
        await door.Put("a", "small");
        Assert.Contains("\"health\":\"true\"", await door.Get("/health"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lease_and_a_transaction_count_before_they_are_proposed()
    {
        await using EtcdDoor door = await EtcdDoor.Open(static options => options with { QuotaBytes = 10_000 });
        door.Node.DiskBytes = 10_000 - 320;
        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = 60 }));
        await door.Post("/v3/maintenance/alarm", """{"action":"DEACTIVATE","memberID":"161","alarm":"NOSPACE"}""");
        var txn = new TxnRequest();
        txn.Success.Add(new RequestOp { RequestPut = EtcdDoor.NewPut("a", "1") });
        txn.Success.Add(new RequestOp { RequestPut = EtcdDoor.NewPut("b", "1") });
        Assert.Equal(NoSpace, await door.ErrorOf(EtcdMethods.Txn, txn));
    }

    [Fact]
    public async Task Alarms_are_listed_by_type_and_set_by_hand()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        Assert.DoesNotContain("alarms", await door.Post("/v3/maintenance/alarm", "{}"), StringComparison.Ordinal);
        await door.Post("/v3/maintenance/alarm", """{"action":"ACTIVATE","memberID":"5","alarm":"NOSPACE"}""");
        string raised = await door.Post("/v3/maintenance/alarm", """{"action":"ACTIVATE","memberID":"6","alarm":"CORRUPT"}""");
        Assert.Contains("""
            "alarms":[{"memberID":"6","alarm":"CORRUPT"}]
            """, raised, StringComparison.Ordinal);
        Assert.Contains("""
            "alarms":[{"memberID":"5","alarm":"NOSPACE"},{"memberID":"6","alarm":"CORRUPT"}]
            """, await door.Post("/v3/maintenance/alarm", "{}"), StringComparison.Ordinal);
        Assert.Contains("""
            "alarms":[{"memberID":"6","alarm":"CORRUPT"}]
            """, await door.Post("/v3/maintenance/alarm", """{"alarm":"CORRUPT"}"""), StringComparison.Ordinal);
        Assert.Equal("DataLoss: etcdserver: corrupt cluster", await door.ErrorOf(EtcdMethods.Put, EtcdDoor.NewPut("a", "1")));
        Assert.StartsWith("503 ", await door.Get("/readyz"), StringComparison.Ordinal);
        Assert.Equal("200 ok\n", await door.Get("/livez"));
    }

    // Goal: etcd's very numbers, so that HashKV of an etcd and of a copy of it here can be compared. They are those of etcd 3.4.23 after
    // the same requests.
    [Fact]
    public async Task HashKV_is_etcds()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        Assert.Equal((1084519789u, -1, 1), await HashOf(door, 0));
        await door.Put("a", "1");
        await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 600 });
        PutRequest leased = EtcdDoor.NewPut("b", "");
        leased.Lease = 7;
        await door.Call(EtcdMethods.Put, leased);
        var txn = new TxnRequest();
        txn.Success.Add(new RequestOp { RequestPut = EtcdDoor.NewPut("c", "2") });
        txn.Success.Add(new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = EtcdDoor.NewRange("a").Key } });
        txn.Success.Add(new RequestOp { RequestPut = EtcdDoor.NewPut("d", "3") });
        await door.Call(EtcdMethods.Txn, txn);
        await door.Put("b", "4");
        Assert.Equal((1348718041u, -1, 5), await HashOf(door, 0));
        Assert.Equal((3774698131u, -1, 3), await HashOf(door, 3));

        await door.Post("/v3/kv/compaction", """{"revision":"4"}""");
        Assert.Equal((3217805088u, 4, 5), await HashOf(door, 0));
        door.Node.CompactAll();
        Assert.Equal((3217805088u, 4, 5), await HashOf(door, 0)); // Whether the space has been given back or not.

        // No key is left: etcd then takes what the compaction kept.
        var all = new DeleteRangeRequest { Key = EtcdDoor.NewRange("a").Key, RangeEnd = EtcdDoor.NewRange("z").Key };
        await door.Call(EtcdMethods.DeleteRange, all);
        Assert.Equal((1685891169u, 4, 6), await HashOf(door, 0));
        Assert.Equal((3217805088u, 4, 5), await HashOf(door, 5));
        Assert.Equal(
            "OutOfRange: etcdserver: mvcc: required revision has been compacted",
            await door.ErrorOf(HashKV, new HashKVRequest { Revision = 3 }));
        Assert.Equal(
            "OutOfRange: etcdserver: mvcc: required revision is a future revision",
            await door.ErrorOf(HashKV, new HashKVRequest { Revision = 7 }));
    }

    [Fact]
    public async Task Space_is_asked_back_by_a_defragmentation_and_by_a_physical_compaction()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Put("a", "1");
        await door.Put("a", "2");
        Assert.Equal("200 {}", await door.Post("/v3/maintenance/defragment", "{}"));
        Assert.Equal(1, door.Node.Reclaims);
        await door.Post("/v3/kv/compaction", """{"revision":"2"}""");
        Assert.Equal(1, door.Node.Reclaims);
        await door.Post("/v3/kv/compaction", """{"revision":"3","physical":true}""");
        Assert.Equal(2, door.Node.Reclaims);
        await door.Post("/v3/kv/compaction", """{"revision":"3","physical":true}"""); // Refused.
        Assert.Equal(2, door.Node.Reclaims);
        Assert.Contains("\"hash\":", await door.Post("/v3/maintenance/hash", "{}"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"version":"3.5.0"}""", "etcdserver: invalid downgrade target version")]
    [InlineData("""{"version":"3.6"}""", "etcdserver: invalid downgrade target version")]
    [InlineData("""{"action":"ENABLE","version":"9.9"}""", "etcdserver: invalid downgrade target version")]
    [InlineData("""{"version":"3"}""", "etcdserver: wrong downgrade target version format")]
    [InlineData("""{"action":"ENABLE"}""", "etcdserver: wrong downgrade target version format")]
    [InlineData("""{"version":"3.x.1"}""", "etcdserver: wrong downgrade target version format")]
    [InlineData("""{"action":"CANCEL"}""", "etcdserver: no inflight downgrade job")]
    public async Task A_downgrade_is_refused_in_etcds_words(string request, string words)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        string answer = await door.Post("/v3/maintenance/downgrade", request);
        Assert.StartsWith("400 ", answer, StringComparison.Ordinal);
        Assert.Contains($"\"error\":\"{words}\"", answer, StringComparison.Ordinal);
    }

    private static readonly EtcdMethod<HashKVRequest, HashKVResponse> HashKV =
        new("/etcdserverpb.Maintenance/HashKV", HashKVResponse.Parser, static _ => true);

    private static async Task<(uint Hash, long Compacted, long Revision)> HashOf(EtcdDoor door, long revision)
    {
        HashKVResponse answer = await door.Call(HashKV, new HashKVRequest { Revision = revision });
        return (answer.Hash, answer.CompactRevision, answer.HashRevision);
    }
}
