// Goal: locks and elections: one has it, the next in order of entry gets it, and nobody whose key is gone; etcd's words.
using Google.Protobuf;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public class EtcdLockTests
{
    [Fact]
    public async Task The_next_gets_it_when_it_is_released()
    {
        await using EtcdDoor door = await OpenWithLeases();
        LockResponse first = await Lock(door, 7);
        Assert.Equal(("L/7", 2, 193ul, 7ul), (first.Key.ToStringUtf8(), first.Header.Revision, first.Header.ClusterId, first.Header.RaftTerm));
        Assert.Equal("L/7", (await Lock(door, 7)).Key.ToStringUtf8()); // It has it already.
        Task<LockResponse> second = Lock(door, 0x1f);
        await Keys(door, "L/7 L/1f");
        Assert.False(second.IsCompleted);
        await door.Put("other", "1");

        UnlockResponse unlocked = await door.Call(EtcdMethods.Unlock, new UnlockRequest { Key = first.Key });
        Assert.Equal(5, unlocked.Header.Revision);
        LockResponse then = await second;
        Assert.Equal(("L/1f", 5), (then.Key.ToStringUtf8(), then.Header.Revision));
        await door.Until(() => door.OpenStreams == 0);
    }

    [Fact]
    public async Task Three_get_it_in_the_order_in_which_they_came()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await Lock(door, 9);
        Task<LockResponse> second = Lock(door, 8);
        await Keys(door, "L/9 L/8");
        Task<LockResponse> third = Lock(door, 7);
        await Keys(door, "L/9 L/8 L/7");
        await Delete(door, "L/9");
        await second;
        await door.AssertServes();
        Assert.False(third.IsCompleted);
        await Delete(door, "L/8");
        Assert.Equal("L/7", (await third).Key.ToStringUtf8());
    }

    [Fact]
    public async Task One_in_the_middle_that_goes_does_not_let_the_last_pass()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await Lock(door, 9);
        Task<LockResponse> second = Lock(door, 8);
        await Keys(door, "L/9 L/8");
        Task<LockResponse> third = Lock(door, 7);
        await Keys(door, "L/9 L/8 L/7");
        await Delete(door, "L/8");
        EtcdRpcException lost = await Assert.ThrowsAsync<EtcdRpcException>(() => second);
        Assert.Equal((GrpcStatus.Unknown, "mutex: session is expired"), (lost.Status, lost.Message));
        await door.AssertServes();
        Assert.False(third.IsCompleted);
        await Delete(door, "L/9");
        await third;
    }

    [Fact]
    public async Task A_key_made_anew_is_a_new_place()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await Lock(door, 9);
        Task<LockResponse> waiting = Lock(door, 8);
        await Keys(door, "L/9 L/8");

        // Whether or not the waiter sees the new key of its old name: that place is not its own, nor its to give up.
        await Delete(door, "L/8");
        Task<LockResponse> again = Lock(door, 8);
        await Assert.ThrowsAsync<EtcdRpcException>(() => waiting);
        await Keys(door, "L/9 L/8");
        Assert.False(again.IsCompleted);
        await Delete(door, "L/9");
        await again;
    }

    [Fact]
    public async Task A_lease_that_ends_passes_the_lock_on()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await Lock(door, 7);
        Task<LockResponse> second = Lock(door, 8);
        await Keys(door, "L/7 L/8");
        await door.Call(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = 7 });
        Assert.Equal("L/8", (await second).Key.ToStringUtf8());
    }

    [Fact]
    public async Task A_lease_that_ends_while_waiting_is_told_at_once()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await Lock(door, 7);
        Task<string> second = door.ErrorOf(EtcdMethods.Lock, NewLock(8));
        await Keys(door, "L/7 L/8");
        Task<string> candidate = door.ErrorOf(EtcdMethods.Campaign, new CampaignRequest { Name = NewLock(8).Name, Lease = 9 });
        await Keys(door, "L/7 L/8 L/9");
        await door.Call(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = 8 });
        await door.Call(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = 9 });
        Assert.Equal("Unknown: mutex: session is expired", await second);
        Assert.Equal("Unknown: election: not leader", await candidate);
        await Keys(door, "L/7");
    }

    [Fact]
    public async Task Who_goes_away_while_waiting_loses_its_place()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await Lock(door, 7);
        await WaitAndLeave(door, 8);
        await Keys(door, "L/7");
        await WaitAndLeave(door, 0);
        await Keys(door, "L/7");

        // The lease that was made for the second is gone too.
        LeaseLeasesResponse leases = await door.Call(EtcdMethods.LeaseLeases, new LeaseLeasesRequest());
        Assert.Equal([7, 8, 9, 0x1f], leases.Leases.Select(static lease => lease.ID).Order());
        await door.Until(() => door.OpenStreams == 0);
    }

    [Fact]
    public async Task A_server_that_stops_sends_the_waiters_elsewhere()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await Lock(door, 7);
        Task<string> waiting = door.ErrorOf(EtcdMethods.Lock, NewLock(8));
        await Keys(door, "L/7 L/8");
        int before = door.Node.Proposals;
        await door.Stop();
        Assert.Equal("Unavailable: etcdserver: server stopped", await waiting);
        Assert.Equal(before + 1, door.Node.Proposals); // Its place is gone.
    }

    [Fact]
    public async Task Without_a_lease_the_server_makes_one()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        LockResponse held = await Lock(door, 0);
        LeaseLeasesResponse leases = await door.Call(EtcdMethods.LeaseLeases, new LeaseLeasesRequest());
        long lease = Assert.Single(leases.Leases).ID;
        Assert.Equal($"L/{lease:x}", held.Key.ToStringUtf8());
        Assert.Equal(60, (await door.Call(EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = lease })).GrantedTTL);
    }

    [Fact]
    public async Task Refusals_have_etcds_words_and_code()
    {
        await using EtcdDoor door = await OpenWithLeases();
        Assert.Equal("Unknown: etcdserver: requested lease not found", await door.ErrorOf(EtcdMethods.Lock, NewLock(99)));
        Assert.Equal("Unknown: etcdserver: requested lease not found", await door.ErrorOf(EtcdMethods.Lock, NewLock(-5)));
        Assert.Equal("Unknown: etcdserver: key is not provided", await door.ErrorOf(EtcdMethods.Unlock, new UnlockRequest()));
        await door.Call(EtcdMethods.Unlock, new UnlockRequest { Key = ByteString.CopyFromUtf8("nobody's") });
        const string Missing = "Unknown: \"leader\" field must be provided";
        Assert.Equal(Missing, await door.ErrorOf(EtcdMethods.Proclaim, new ProclaimRequest()));
        Assert.Equal(Missing, await door.ErrorOf(EtcdMethods.Resign, new ResignRequest()));
        Assert.Equal("Unknown: etcdserver: key is not provided", await door.ErrorOf(EtcdMethods.Resign, new ResignRequest { Leader = new() }));
        Assert.Equal("Unknown: election: no leader", await door.ErrorOf(EtcdMethods.Leader, new LeaderRequest { Name = ByteString.CopyFromUtf8("L") }));
        Assert.Equal(
            "500 {\"error\":\"election: no leader\",\"code\":2,\"message\":\"election: no leader\"}",
            await door.Post("/v3/election/leader", "{\"name\":\"TA==\"}"));

        await Lock(door, 7);
        door.Node.LinearizableOutcome = RequestOutcome.NoLeader;
        Assert.Equal("Unknown: etcdserver: no leader", await door.ErrorOf(EtcdMethods.Lock, NewLock(8)));
        door.Node.LinearizableOutcome = RequestOutcome.Done;
        await Keys(door, "L/7");
        door.Node.IsLearner = true;
        Assert.Equal("FailedPrecondition: etcdserver: rpc not supported for learner", await door.ErrorOf(EtcdMethods.Lock, NewLock(8)));
        door.Node.IsLearner = false;
    }

    [Fact]
    public async Task A_leader_proclaims_until_it_resigns_and_the_next_one_leads()
    {
        await using EtcdDoor door = await OpenWithLeases();
        ByteString name = ByteString.CopyFromUtf8("L");
        CampaignResponse one = await Campaign(door, 7, "one");
        Assert.Equal(("L", "L/7", 2, 7, 2), (one.Leader.Name.ToStringUtf8(), one.Leader.Key.ToStringUtf8(), one.Leader.Rev, one.Leader.Lease, one.Header.Revision));
        CampaignResponse again = await Campaign(door, 7, "uno");
        Assert.Equal((2, 2), (again.Leader.Rev, again.Header.Revision));
        LeaderResponse leader = await door.Call(EtcdMethods.Leader, new LeaderRequest { Name = name });
        Assert.Equal(("uno", 3, 3), (leader.Kv.Value.ToStringUtf8(), leader.Kv.ModRevision, leader.Header.Revision));

        Task<CampaignResponse> two = Campaign(door, 8, "two");
        await Keys(door, "L/7 L/8");
        ProclaimResponse proclaimed = await door.Call(EtcdMethods.Proclaim, new ProclaimRequest { Leader = one.Leader, Value = ByteString.CopyFromUtf8("eins") });
        Assert.Equal(5, proclaimed.Header.Revision);
        LeaderKey old = one.Leader.Clone();
        old.Rev = 1;
        Assert.Equal("Unknown: election: not leader", await door.ErrorOf(EtcdMethods.Proclaim, new ProclaimRequest { Leader = old }));
        Assert.Equal(5, (await door.Call(EtcdMethods.Resign, new ResignRequest { Leader = old })).Header.Revision);
        Assert.False(two.IsCompleted);
        Assert.Equal(6, (await door.Call(EtcdMethods.Resign, new ResignRequest { Leader = one.Leader })).Header.Revision);
        Assert.Equal((4, 4), ((await two).Leader.Rev, (await two).Header.Revision));
    }

    [Fact]
    public async Task An_observer_hears_every_leader_and_value()
    {
        await using EtcdDoor door = await OpenWithLeases();
        await using EtcdGrpcStream<LeaderRequest, LeaderResponse> stream = door.OpenStream(EtcdMethods.Observe);
        await stream.WriteAsync(new LeaderRequest { Name = ByteString.CopyFromUtf8("L") });
        stream.Complete();
        await door.Until(() => door.OpenStreams == 1);
        CampaignResponse one = await Campaign(door, 7, "one");
        Assert.Equal("L/7=one m2 @2", Text(await stream.ReadAsync()));
        await door.Call(EtcdMethods.Proclaim, new ProclaimRequest { Leader = one.Leader, Value = ByteString.CopyFromUtf8("uno") });
        Assert.Equal("L/7=uno m3 @3", Text(await stream.ReadAsync()));

        Task<CampaignResponse> two = Campaign(door, 8, "two");
        await Keys(door, "L/7 L/8");
        await door.Call(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = 7 });
        Assert.Equal("L/8=two m4 @5", Text(await stream.ReadAsync()));
        await door.Call(EtcdMethods.Resign, new ResignRequest { Leader = (await two).Leader });
        await door.Until(() => door.OpenStreams == 1);
        await Campaign(door, 9, "three");
        Assert.Equal("L/9=three m7 @7", Text(await stream.ReadAsync()));

        // Another one, late, hears the leader of now.
        await using EtcdGrpcStream<LeaderRequest, LeaderResponse> late = door.OpenStream(EtcdMethods.Observe);
        await late.WriteAsync(new LeaderRequest { Name = ByteString.CopyFromUtf8("L") });
        Assert.Equal("L/9=three m7 @7", Text(await late.ReadAsync()));
        Task<LeaderResponse?> waiting = late.ReadAsync();
        await door.Stop();
        Assert.Equal(GrpcStatus.Unavailable, (await Assert.ThrowsAsync<EtcdRpcException>(() => waiting)).Status);
    }

    [Fact]
    public async Task Json_clients_lock_and_campaign_too()
    {
        await using EtcdDoor door = await OpenWithLeases();
        const string Header = "\"header\":{\"cluster_id\":\"193\",\"member_id\":\"161\",\"revision\":";
        Assert.Equal($"200 {{{Header}\"2\",\"raft_term\":\"7\"}},\"key\":\"TC83\"}}", await door.Post("/v3/lock/lock", "{\"name\":\"TA==\",\"lease\":\"7\"}"));
        Assert.Equal($"200 {{{Header}\"3\",\"raft_term\":\"7\"}}}}", await door.Post("/v3/lock/unlock", "{\"key\":\"TC83\"}"));
        Assert.Equal(
            $"200 {{{Header}\"4\",\"raft_term\":\"7\"}},\"leader\":{{\"name\":\"TA==\",\"key\":\"TC83\",\"rev\":\"4\",\"lease\":\"7\"}}}}",
            await door.Post("/v3/election/campaign", "{\"name\":\"TA==\",\"lease\":\"7\",\"value\":\"b25l\"}"));
        Assert.Equal(
            $"200 {{{Header}\"4\",\"raft_term\":\"7\"}},\"kv\":{{\"key\":\"TC83\",\"create_revision\":\"4\",\"mod_revision\":\"4\",\"version\":\"1\",\"value\":\"b25l\",\"lease\":\"7\"}}}}",
            await door.Post("/v3/election/leader", "{\"name\":\"TA==\"}"));
    }

    private static async Task<EtcdDoor> OpenWithLeases()
    {
        EtcdDoor door = await EtcdDoor.Open();
        foreach (long lease in (long[])[7, 8, 9, 0x1f]) { await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = lease, TTL = 60 }); }
        return door;
    }

    private static LockRequest NewLock(long lease) => new() { Name = ByteString.CopyFromUtf8("L"), Lease = lease };

    private static Task<LockResponse> Lock(EtcdDoor door, long lease) => door.Call(EtcdMethods.Lock, NewLock(lease));

    private static Task<CampaignResponse> Campaign(EtcdDoor door, long lease, string value) => door.Call(
        EtcdMethods.Campaign, new CampaignRequest { Name = ByteString.CopyFromUtf8("L"), Lease = lease, Value = ByteString.CopyFromUtf8(value) });

    // A stream of one request is a unary call that can be cut off at a known moment.
    private static async Task WaitAndLeave(EtcdDoor door, long lease)
    {
        await using EtcdGrpcStream<LockRequest, LockResponse> call = door.OpenStream(EtcdMethods.Lock);
        await call.WriteAsync(NewLock(lease));
        call.Complete();
        for (int i = 0; i < 1000 && (await Queue(door)).Length < 2; i++) { await Task.Delay(10); }
        Assert.Equal(2, (await Queue(door)).Length);
    }

    private static Task Delete(EtcdDoor door, string key) =>
        door.Call(EtcdMethods.DeleteRange, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key) });

    private static async Task Keys(EtcdDoor door, string expected)
    {
        for (int i = 0; i < 1000 && string.Join(' ', await Queue(door)) != expected; i++) { await Task.Delay(10); }
        Assert.Equal(expected, string.Join(' ', await Queue(door)));
    }

    // In order of entry.
    private static async Task<string[]> Queue(EtcdDoor door)
    {
        RangeResponse read = await door.Call(EtcdMethods.Range, new RangeRequest
        {
            Key = ByteString.CopyFromUtf8("L/"),
            RangeEnd = ByteString.CopyFromUtf8("L0"),
            SortTarget = RangeRequest.Types.SortTarget.Create,
            SortOrder = RangeRequest.Types.SortOrder.Ascend,
        });
        return [.. read.Kvs.Select(static kv => kv.Key.ToStringUtf8())];
    }

    private static string Text(LeaderResponse? response) =>
        $"{response!.Kv.Key.ToStringUtf8()}={response.Kv.Value.ToStringUtf8()} m{response.Kv.ModRevision} @{response.Header.Revision}";
}
