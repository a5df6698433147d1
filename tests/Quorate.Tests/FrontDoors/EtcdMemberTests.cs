// Goal: the Cluster service and MoveLeader, in etcd 3.4's words and codes (compared with the real one), over gRPC and JSON.
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public class EtcdMemberTests
{
    private const ulong Self = 0xA1;

    [Fact]
    public async Task Members_come_are_promoted_move_and_go()
    {
        await using EtcdDoor door = await OpenStarted();
        MemberAddResponse added = await door.Call(EtcdMethods.MemberAdd, Add("http://127.0.0.1:2", isLearner: true));
        ulong id = added.Member.ID;
        Assert.NotEqual(Self, id);
        Assert.Equal((0, true, "", 0), (added.Header.Revision, added.Member.IsLearner, added.Member.Name, added.Member.ClientURLs.Count));
        Assert.Equal(["http://127.0.0.1:2"], added.Member.PeerURLs);
        Assert.Equal([Self, id], added.Members.Select(static m => m.ID));

        MemberListResponse list = await door.Call(EtcdMethods.MemberList, new MemberListRequest { Linearizable = true });
        Assert.Equal([false, true], list.Members.Select(static m => m.IsLearner));
        MemberPromoteResponse promoted = await door.Call(EtcdMethods.MemberPromote, new MemberPromoteRequest { ID = id });
        Assert.All(promoted.Members, static m => Assert.False(m.IsLearner));
        var update = new MemberUpdateRequest { ID = id, PeerURLs = { "http://127.0.0.1:3" } };
        Assert.Equal(["http://127.0.0.1:3"], (await door.Call(EtcdMethods.MemberUpdate, update)).Members[1].PeerURLs);
        Assert.Equal([Self], (await door.Call(EtcdMethods.MemberRemove, new MemberRemoveRequest { ID = id })).Members.Select(static m => m.ID));
    }

    [Fact]
    public async Task Wrong_orders_are_refused_in_etcds_words()
    {
        await using EtcdDoor door = await OpenStarted();
        Assert.Equal(
            "Unknown: etcdserver: re-configuration failed due to not enough started members",
            await door.ErrorOf(EtcdMethods.MemberRemove, new MemberRemoveRequest { ID = Self }));
        Assert.Equal("NotFound: etcdserver: member not found", await door.ErrorOf(EtcdMethods.MemberRemove, new MemberRemoveRequest { ID = 1 }));
        await door.Call(EtcdMethods.MemberAdd, Add("http://127.0.0.1:2", isLearner: true));
        Assert.Equal("FailedPrecondition: etcdserver: Peer URLs already exists", await door.ErrorOf(EtcdMethods.MemberAdd, Add("http://127.0.0.1:2")));
        Assert.Equal(
            "FailedPrecondition: etcdserver: too many learner members in cluster",
            await door.ErrorOf(EtcdMethods.MemberAdd, Add("http://127.0.0.1:3", isLearner: true)));
        Assert.Equal("NotFound: etcdserver: member not found", await door.ErrorOf(EtcdMethods.MemberUpdate, new MemberUpdateRequest { ID = 9, PeerURLs = { "http://a:1" } }));
        foreach (string[] urls in new string[][] { [], ["nonsense"], ["http://a"], ["ftp://a:1"], ["http://a:1/path"], ["http://a:1", ""], ["http://:1"] })
        {
            var request = new MemberAddRequest();
            request.PeerURLs.AddRange(urls);
            Assert.Equal("InvalidArgument: etcdserver: given member URLs are invalid", await door.ErrorOf(EtcdMethods.MemberAdd, request));
        }
    }

    [Fact]
    public async Task Leadership_moves_to_a_voter_only_and_from_the_leader_only()
    {
        await using EtcdDoor door = await OpenStarted();
        door.Node.Facts = [Fact(Self), Fact(2), Fact(3) with { IsLearner = true }];
        Assert.Equal("FailedPrecondition: etcdserver: bad leader transferee", await door.ErrorOf(EtcdMethods.MoveLeader, new MoveLeaderRequest { TargetID = 3 }));
        Assert.Equal("FailedPrecondition: etcdserver: bad leader transferee", await door.ErrorOf(EtcdMethods.MoveLeader, new MoveLeaderRequest { TargetID = 4 }));
        await door.Call(EtcdMethods.MoveLeader, new MoveLeaderRequest { TargetID = Self });
        Assert.Equal(NodeId.None, door.Node.HandedTo);
        Assert.Equal("200 {}", await door.Post("/v3/maintenance/transfer-leadership", "{\"targetID\":\"2\"}"));
        Assert.Equal(new NodeId(2), door.Node.HandedTo);
        door.Node.HasLeader = false;
        Assert.Equal("FailedPrecondition: etcdserver: not leader", await door.ErrorOf(EtcdMethods.MoveLeader, new MoveLeaderRequest { TargetID = 2 }));
    }

    [Fact]
    public async Task The_gateway_speaks_of_members_as_etcds_does()
    {
        await using EtcdDoor door = await OpenStarted();
        Assert.Contains("\"isLearner\":true", await door.Post("/v3/cluster/member/add", "{\"peerURLs\":[\"http://127.0.0.1:2\"],\"isLearner\":true}"), StringComparison.Ordinal);
        Assert.Contains("\"peerURLs\":[\"http://127.0.0.1:2\"]", await door.Post("/v3/cluster/member/list", "{}"), StringComparison.Ordinal);
    }

    // A door on a node that has told its name, as a server does when it starts.
    private static async Task<EtcdDoor> OpenStarted()
    {
        EtcdDoor door = await EtcdDoor.Open();
        var command = new ByteWriter();
        new KvCommand.MemberSeed([new MemberRecord(Self, "self", ["http://127.0.0.1:1"], [])]).Encode(command);
        await door.Node.ProposeAsync(FakeNode.Shard, command.WrittenMemory);
        return door;
    }

    private static MemberFact Fact(ulong id) => new(new NodeId(id), IsLearner: false, IsHeard: true, IsInSync: true, IsLeader: id == Self);

    private static MemberAddRequest Add(string url, bool isLearner = false) => new() { IsLearner = isLearner, PeerURLs = { url } };
}
