// Goal: leases over the wire, in etcd's words; renewals of one stream in order; what JSON clients such as Patroni ask.
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public class EtcdLeaseTests
{
    [Fact]
    public async Task A_lease_is_granted_shown_listed_and_revoked()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        LeaseGrantResponse granted = await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 });
        Assert.Equal((7, 60, 1, ""), (granted.ID, granted.TTL, granted.Header.Revision, granted.Error));
        Assert.NotEqual(0ul, granted.Header.RaftTerm);
        PutRequest put = EtcdDoor.NewPut("b", "1");
        put.Lease = 7;
        await door.Call(EtcdMethods.Put, put);
        put.Key = Google.Protobuf.ByteString.CopyFromUtf8("a");
        await door.Call(EtcdMethods.Put, put);

        door.Node.Clock = 500;
        LeaseTimeToLiveResponse shown = await door.Call(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = 7, Keys = true });
        Assert.Equal((7, 59, 60, "a b"), (shown.ID, shown.TTL, shown.GrantedTTL, string.Join(' ', shown.Keys.Select(static k => k.ToStringUtf8()))));
        shown = await door.Call(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = 7 });
        Assert.Empty(shown.Keys);
        door.Node.Clock = 99_000; // Over, but nobody has ended it.
        Assert.Equal(0, (await door.Call(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = 7 })).TTL);

        LeaseGrantResponse other = await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = 1 });
        Assert.True(other.ID > 0);
        Assert.Equal(2, other.TTL); // 1.5 election timeouts, and whole seconds.
        LeaseLeasesResponse leases = await door.Call(EtcdMethods.LeaseLeases, new LeaseLeasesRequest());
        Assert.Equal([7, other.ID], leases.Leases.Select(static lease => lease.ID));

        LeaseRevokeResponse revoked = await door.Call(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = 7 });
        Assert.Equal(4, revoked.Header.Revision);
        shown = await door.Call(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = 7, Keys = true });
        Assert.Equal((7, -1, 0, 0, 4), (shown.ID, shown.TTL, shown.GrantedTTL, shown.Keys.Count, shown.Header.Revision));
    }

    [Fact]
    public async Task Refusals_have_etcds_words()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 });
        Assert.Equal(
            "FailedPrecondition: etcdserver: lease already exists",
            await door.ErrorOf(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 }));
        Assert.Equal(
            "OutOfRange: etcdserver: too large lease TTL",
            await door.ErrorOf(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 9_000_000_001 }));
        Assert.Equal(
            "NotFound: etcdserver: requested lease not found",
            await door.ErrorOf(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = 8 }));
        PutRequest put = EtcdDoor.NewPut("a", "1");
        put.Lease = 8;
        Assert.Equal("NotFound: etcdserver: requested lease not found", await door.ErrorOf(EtcdMethods.Put, put));
        door.Node.LinearizableOutcome = RequestOutcome.NoLeader;
        Assert.Equal(
            "Unavailable: etcdserver: no leader",
            await door.ErrorOf(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = 7 }));
        Assert.Equal(0, door.Node.OpenViews);
    }

    [Fact]
    public async Task A_stream_answers_each_renewal_in_order_and_ends_with_its_client()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 });
        await using EtcdGrpcStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = door.OpenStream(EtcdMethods.LeaseKeepAlive);
        for (int i = 0; i < 600; i++) { await stream.WriteAsync(new LeaseKeepAliveRequest { ID = i % 2 == 0 ? 7 : i }); }
        for (int i = 0; i < 600; i++)
        {
            LeaseKeepAliveResponse? answer = await stream.ReadAsync();
            long id = i % 2 == 0 ? 7 : i;
            Assert.Equal((id, id == 7 ? 60 : 0, 1), (answer!.ID, answer.TTL, answer.Header.Revision));
        }

        stream.Complete();
        Assert.Null(await stream.ReadAsync());
        await door.Until(() => door.OpenStreams == 0);
    }

    [Fact]
    public async Task A_renewal_that_fails_ends_the_stream_with_its_error()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await using EtcdGrpcStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = door.OpenStream(EtcdMethods.LeaseKeepAlive);
        door.Node.Outcome = RequestOutcome.NoLeader;
        await stream.WriteAsync(new LeaseKeepAliveRequest { ID = 7 });
        EtcdRpcException refused = await Assert.ThrowsAsync<EtcdRpcException>(stream.ReadAsync);
        Assert.Equal((GrpcStatus.Unavailable, "etcdserver: no leader"), (refused.Status, refused.Message));
    }

    [Theory]
    [InlineData("/v3/lease/timetolive", "/v3/lease/leases", "/v3/lease/revoke")]
    [InlineData("/v3/kv/lease/timetolive", "/v3/kv/lease/leases", "/v3/kv/lease/revoke")]
    [InlineData("/v3beta/lease/timetolive", "/v3beta/kv/lease/leases", "/v3beta/lease/revoke")]
    public async Task Json_clients_have_all_of_it(string timeToLive, string leases, string revoke)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        const string Header = "'header':{'cluster_id':'193','member_id':'161','revision':'1','raft_term':'7'}";
        const string NotFound = "etcdserver: requested lease not found";
        (string Path, string Body, string Answer)[] rounds =
        [
            ("/v3/lease/grant", "{'TTL':30,'ID':'7'}", $"200 {{{Header},'ID':'7','TTL':'30'}}"),
            ("/v3/lease/keepalive", "{'ID':'7'}", $"200 {{'result':{{{Header},'ID':'7','TTL':'30'}}}}\n"),
            ("/v3/lease/keepalive", "{'ID':8}", $"200 {{'result':{{{Header},'ID':'8'}}}}\n"),
            (timeToLive, "{'ID':'7','keys':true}", $"200 {{{Header},'ID':'7','TTL':'30','grantedTTL':'30'}}"),
            (leases, "{}", $"200 {{{Header},'leases':[{{'ID':'7'}}]}}"),
            (revoke, "{'ID':'7'}", $"200 {{{Header}}}"),
            (revoke, "{'ID':'7'}", $"404 {{'error':'{NotFound}','code':5,'message':'{NotFound}'}}"),
            (timeToLive, "{'ID':'7'}", $"200 {{{Header},'ID':'7','TTL':'-1'}}"),
        ];
        foreach ((string path, string body, string answer) in rounds)
        {
            Assert.Equal(answer.Replace('\'', '"'), await door.Post(path, body.Replace('\'', '"')));
        }
    }
}
