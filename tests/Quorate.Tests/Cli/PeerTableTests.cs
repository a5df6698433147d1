using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Host;
using Quorate.Raft;
using Quorate.Replication;
using Quorate.Simulation.Disk;
using Quorate.StateMachines.KeyValue;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Cli;

/// <summary>Whom a member has links to, by what it has applied and what it was told.</summary>
public sealed class PeerTableTests
{
    // Goal: a member that was away while others were replaced gets links to the new ones too, of which its own state does not know yet: of
    // two nodes the smaller id calls, so nobody may call it.
    [Fact]
    public void Members_that_were_told_and_are_not_applied_yet_count()
    {
        using StorageEngine store = Store(1, 2, 3);
        Assert.Equal([1ul, 2, 3], Wanted(store, []));
        Assert.Equal([1ul, 2, 3, 4], Wanted(store, [Told(1), Told(2), Told(4)]));
    }

    // Goal: who was removed does not come back by what was told before.
    [Fact]
    public void Who_was_removed_stays_so()
    {
        using StorageEngine store = Store(1, 2);
        MemberStore.Remove(store, 4);
        Assert.Equal([1ul, 2], Wanted(store, [Told(1), Told(2), Told(4)]));
    }

    // Goal: a member whose peers have moved finds them; which address is the newer one it cannot know, so it tries them in turn.
    [Fact]
    public void Addresses_that_were_told_are_tried_in_turn()
    {
        using StorageEngine store = Store(1, 2);
        ImmutableArray<RosterMember> told = [new(new MemberRecord(2, "n2", ["http://moved:1"], []), IsLearner: false)];
        Assert.Equal("http://h2:1", PeerTable.Wanted(store, told, prefersTold: false)[new NodeId(2)]!.PeerUrls[0]);
        Assert.Equal("http://moved:1", PeerTable.Wanted(store, told, prefersTold: true)[new NodeId(2)]!.PeerUrls[0]);
    }

    private static IEnumerable<ulong> Wanted(StorageEngine store, ImmutableArray<RosterMember> told) =>
        PeerTable.Wanted(store, told, prefersTold: false).Keys.Select(static node => node.Value).Order();

    private static RosterMember Told(ulong id) => new(new MemberRecord(id, $"n{id}", [$"http://h{id}:1"], []), IsLearner: false);

    private static StorageEngine Store(params ulong[] members)
    {
        var disk = new SimDisk();
        disk.CreateDirectory("e");
        StorageEngine store = StorageEngine.Open(disk, "e", new EngineOptions(), new EngineKeys(static key => key.Length, static _ => null), new BlockCache(1 << 20));
        var record = new ByteWriter();
        HostRecords.WriteMembership(
            record, Membership.Of(members.Select(static id => new ReplicaId(id))), members.ToDictionary(static id => new ReplicaId(id), static id => new NodeId(id)));
        store.Put(HostRecords.MembershipKey, record.Written);
        foreach (ulong id in members) { MemberStore.Write(store, Told(id).Record); }
        return store;
    }
}
