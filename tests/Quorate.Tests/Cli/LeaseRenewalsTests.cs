using System.Net;
using System.Net.Sockets;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Leases;
using Quorate.Replication;
using Quorate.Tests.FrontDoors;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class LeaseRenewalsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Goal: a refusal that may pass does not end the renewals: the lease has time left.
    [Theory]
    [InlineData(RequestOutcome.TooBusy)]
    [InlineData(RequestOutcome.NoSpace)]
    [InlineData(RequestOutcome.NoLeader)]
    public async Task A_refusal_that_may_pass_is_tried_again(RequestOutcome refusal)
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 });
        door.Node.Outcome = refusal;
        using EtcdGrpcClient client = Client(door);
        Task<LeaseKeepAliveResponse> renewal = new LeaseRenewals(client, 1, 7, Patience).RenewAsync(TestContext.Current.CancellationToken);
        await Task.WhenAny(renewal, Task.Delay(300, TestContext.Current.CancellationToken));
        Assert.False(renewal.IsCompleted);
        door.Node.Outcome = RequestOutcome.Done;
        Assert.Equal(60, (await renewal).TTL);
    }

    // Goal: a server that takes the call and never answers does not use up the whole time.
    [Fact]
    public async Task An_endpoint_that_hangs_is_passed_over()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await door.Call(EtcdMethods.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 });
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using EtcdGrpcClient client = Client(door, new Uri($"http://{silent.LocalEndpoint}"));
        LeaseKeepAliveResponse response =
            await new LeaseRenewals(client, 2, 7, TimeSpan.FromSeconds(4)).RenewAsync(TestContext.Current.CancellationToken);
        Assert.Equal(60, response.TTL);
    }

    // Goal: it gives up when the time is over, with the last refusal as the reason.
    [Fact]
    public async Task It_ends_with_the_time()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        door.Node.Outcome = RequestOutcome.NoSpace;
        using EtcdGrpcClient client = Client(door);
        CliException e = await Assert.ThrowsAsync<CliException>(
            () => new LeaseRenewals(client, 1, 7, TimeSpan.FromSeconds(1)).RenewAsync(TestContext.Current.CancellationToken));
        Assert.Contains("database space exceeded", e.Message, StringComparison.Ordinal);
    }

    private static EtcdGrpcClient Client(EtcdDoor door, params Uri[] before) =>
        new([.. before, new Uri($"http://{door.Address}")], Patience, EtcdRetryPolicy.Never);
}
