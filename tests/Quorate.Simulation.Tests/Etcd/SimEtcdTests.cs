using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Simulation.Etcd;
using Xunit;

namespace Quorate.Simulation.Tests.Etcd;

/// <summary>The etcd service and the client's retries in the simulator, without a workload.</summary>
public sealed class SimEtcdTests
{
    private static readonly ShardId Shard = new(1);

    // Goal: a healthy cluster answers a put and a range through any node, by the product's service and messages.
    [Fact]
    public void A_put_is_answered_and_read_back_through_every_node()
    {
        using var cluster = SimCluster.Start(1, new SimOptions());
        SimEtcdDoor door = cluster.EtcdOf(Shard);
        var client = new SimEtcdClient(door, new Prng(7));
        PutResponse put = Ask(cluster, client, EtcdMethods.Put, new PutRequest { Key = Bytes("k"), Value = Bytes("v") }).Response!;
        Assert.Equal(2, put.Header.Revision);
        for (ulong i = 0; i < 20; i++)
        {
            RangeResponse range = Ask(cluster, new SimEtcdClient(door, new Prng(i)), EtcdMethods.Range, new RangeRequest { Key = Bytes("k") }).Response!;
            Assert.Equal(("v", 2L), (range.Kvs.Single().Value.ToStringUtf8(), range.Kvs[0].ModRevision));
        }
    }

    // Goal: a write whose answer is lost is told as unknown, though it happened; a read is asked again instead.
    [Fact]
    public void A_lost_answer_makes_a_write_unknown_and_a_read_repeated()
    {
        using var cluster = SimCluster.Start(2, new SimOptions());
        var client = new SimEtcdClient(cluster.EtcdOf(Shard), new Prng(7));
        Ask(cluster, client, EtcdMethods.Put, new PutRequest { Key = Bytes("k"), Value = Bytes("1") });
        cluster.ClientLinks.LoseAnswerPercent = 100;
        Assert.Equal(
            EtcdFailure.Unknown, Ask(cluster, client, EtcdMethods.Put, new PutRequest { Key = Bytes("k"), Value = Bytes("2") }).Failure);
        cluster.ClientLinks.LoseAnswerPercent = 50;
        RangeResponse range = Ask(cluster, client, EtcdMethods.Range, new RangeRequest { Key = Bytes("k") }).Response!;
        Assert.Equal(("2", 3L), (range.Kvs.Single().Value.ToStringUtf8(), range.Header.Revision));
    }

    // Goal: a server that is gone is passed over; without any, the client knows that nothing happened.
    [Fact]
    public void Endpoints_that_are_down_are_passed_over()
    {
        using var cluster = SimCluster.Start(3, new SimOptions());
        var client = new SimEtcdClient(cluster.EtcdOf(Shard), new Prng(7));
        Ask(cluster, client, EtcdMethods.Put, new PutRequest { Key = Bytes("k"), Value = Bytes("1") });
        cluster.LeaderOf(Shard)!.Crash(Disk.SimCrash.KeepAll);
        Assert.NotNull(Ask(cluster, client, EtcdMethods.Put, new PutRequest { Key = Bytes("k"), Value = Bytes("2") }).Response);
        foreach (SimNode node in cluster.Nodes) { node.Crash(Disk.SimCrash.KeepAll); }
        Assert.Equal(
            EtcdFailure.NotReached, Ask(cluster, client, EtcdMethods.Put, new PutRequest { Key = Bytes("k"), Value = Bytes("3") }).Failure);
    }

    // Goal: a continuation that leaves the simulator's thread ends the run: what it does is no function of the seed.
    [Fact]
    public void Code_that_leaves_the_thread_fails_the_run()
    {
        using var cluster = SimCluster.Start(4, new SimOptions());
        var client = new SimNodeClient(cluster, cluster.Nodes[0], new Prng(1));
        var call = new SimEtcdCall(cluster, cluster.Nodes[0].Lives, _ => { }, e => throw e);
        var never = new TaskCompletionSource<EtcdResult>();
        SimulationException left = Assert.Throws<SimulationException>(() => client.Step(call, () => call.Begin(new(never.Task))));
        Assert.Contains("outside of the simulator's thread", left.Message, StringComparison.Ordinal);
    }

    // Goal: as before, for code that came back from another thread to ask the node.
    [Fact]
    public void Code_on_another_thread_fails_the_run()
    {
        using var cluster = SimCluster.Start(5, new SimOptions());
        var client = new SimNodeClient(cluster, cluster.Nodes[0], new Prng(1));
        SimulationException? strayed = null;
        var other = new Thread(() => strayed = Record.Exception(() => client.StatusOf(Shard)) as SimulationException);
        other.Start();
        other.Join();
        Assert.Equal(SimNet.Invariants, strayed?.Net);
        Assert.Throws<SimulationException>(() => cluster.RunUntil(_ => false, TimeSpan.FromSeconds(1)));
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private static SimEtcdAnswer<TResponse> Ask<TRequest, TResponse>(
        SimCluster cluster, SimEtcdClient client, EtcdMethod<TRequest, TResponse> method, TRequest request)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        SimEtcdAnswer<TResponse>? answer = null;
        client.Call(method, request, 20_000_000, a => answer = a);
        cluster.RunUntil(_ => answer is not null, TimeSpan.FromSeconds(30));
        return answer!.Value;
    }
}
