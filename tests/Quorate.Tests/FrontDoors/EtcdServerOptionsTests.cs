using System.Net;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.Node.Logging;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>A wrong setting is a sentence for the operator, all of them at once, before anything listens.</summary>
public class EtcdServerOptionsTests
{
    private static readonly EtcdServerOptions Valid = new()
    {
        Node = new FakeNode(),
        Shard = FakeNode.Shard,
        Members = _ => null,
        Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
    };

    [Fact]
    public void Defaults_have_no_problems() => Assert.Empty(Valid.Problems());

    [Fact]
    public async Task All_problems_are_named_at_once()
    {
        EtcdServerOptions wrong = Valid with
        {
            Shard = new ShardId(0),
            Listen = [],
            MaxRequestBytes = 0,
            MaxTxnOps = 0,
            MaxConnections = 0,
            MaxStreamsPerConnection = 0,
            FirstBytesTimeout = TimeSpan.Zero,
            DrainTimeout = TimeSpan.FromDays(1),
        };
        string[] keys = ["shard", "maxRequestBytes", "maxTxnOps", "listen", "maxConnections", "maxStreamsPerConnection", "firstBytesTimeout", "drainTimeout"];
        Assert.Equal(keys.Select(key => $"etcd.{key}"), wrong.Problems().Select(problem => problem.Split(' ')[0]));
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(
            () => EtcdServer.StartAsync(wrong, NoLog.Instance, TestContext.Current.CancellationToken));
        Assert.All(keys, key => Assert.Contains($"etcd.{key} is ", error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_address_in_use_is_an_io_exception()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await Assert.ThrowsAsync<IOException>(() => EtcdServer.StartAsync(
            Valid with { Listen = [door.Address] }, NoLog.Instance, TestContext.Current.CancellationToken));
    }
}
