// Goal: the Maintenance service over the wire, in etcd's words.
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public class EtcdMaintenanceTests
{
    private const string NoSpace = "ResourceExhausted: etcdserver: mvcc: database space exceeded";

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
}
