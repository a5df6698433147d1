using Xunit;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client.Tests;

/// <summary>When a lease counts as lost, on a clock that the test moves.</summary>
public sealed class LeaseTests
{
    private static readonly Task<object> Silence = new TaskCompletionSource<object>().Task;

    private readonly FakeTime _time = new();
    private Func<Asked, Task<object>> _renewal = static _ => Silence;

    // Goal: it is lost before the server can end it, whatever its TTL, and yet not much earlier.
    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(2, 1.5)]
    [InlineData(10, 9)]
    [InlineData(60, 54)]
    public void The_margin_is_a_tenth_and_at_least_half_a_second(double ttl, double safe)
    {
        Assert.Equal(TimeSpan.FromSeconds(safe), LeaseMath.SafeLife(TimeSpan.FromSeconds(ttl)));
        Assert.True(LeaseMath.RenewalInterval(TimeSpan.FromSeconds(ttl)) < LeaseMath.SafeLife(TimeSpan.FromSeconds(ttl)));
    }

    [Fact]
    public async Task Without_an_answer_it_is_lost_before_its_time_is_up()
    {
        using ScriptedTransport servers = Servers();
        using QuorateClient client = Client(servers);
        await using Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(8.99));
        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.True(lease.IsAlive);
        _time.Advance(TimeSpan.FromSeconds(0.02));
        Assert.True(lease.Lost.IsCancellationRequested); // By the timer alone: nobody looked.
        Assert.False(lease.IsAlive);
    }

    // Goal: the time of a renewal is when it was sent, not when its answer came.
    [Fact]
    public async Task A_late_answer_counts_from_its_sending()
    {
        var answer = new TaskCompletionSource<object>();
        var sent = TimeSpan.Zero;
        _renewal = _ =>
        {
            sent = _time.Now;
            return answer.Task;
        };
        using ScriptedTransport servers = Servers();
        using QuorateClient client = Client(servers);
        await using Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(10));
        await AdvanceUntil(() => Renewals(servers) == 1);
        _time.Advance(TimeSpan.FromSeconds(1.5));
        _renewal = static _ => Silence;
        answer.SetResult(new Proto.LeaseKeepAliveResponse { TTL = 10 });
        await Eventually(() => lease.Remaining > TimeSpan.FromSeconds(7));
        Assert.InRange(_time.Now + lease.Remaining, sent + TimeSpan.FromSeconds(8.5), sent + TimeSpan.FromSeconds(9));
        _time.Advance(lease.Remaining + TimeSpan.FromMilliseconds(2));
        Assert.True(lease.Lost.IsCancellationRequested);
    }

    // Goal: the monotonic clock stands still while a machine is suspended; the lease does not.
    [Fact]
    public async Task After_a_suspension_it_is_known_to_be_lost()
    {
        using ScriptedTransport servers = Servers();
        using QuorateClient client = Client(servers);
        await using Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(10));
        _time.Suspend(TimeSpan.FromSeconds(9.5));
        Assert.False(lease.IsAlive);
        Assert.True(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_lease_that_the_server_does_not_know_any_more_is_lost_at_once()
    {
        _renewal = static _ => Task.FromResult<object>(new Proto.LeaseKeepAliveResponse { TTL = 0 });
        using ScriptedTransport servers = Servers();
        using QuorateClient client = Client(servers);
        await using Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(10));
        await AdvanceUntil(() => lease.Lost.IsCancellationRequested);
        Assert.True(_time.Now < TimeSpan.FromSeconds(5));
    }

    // Goal: a renewal that fails is tried again in good time, elsewhere.
    [Fact]
    public async Task A_renewal_that_fails_is_repeated_elsewhere()
    {
        _renewal = asked => Task.FromResult<object>(asked.Endpoint.Host == "a"
            ? new RpcFailure(StatusCode.Unavailable, "not primary lessor", wasSent: true)
            : new Proto.LeaseKeepAliveResponse { TTL = 10 });
        using ScriptedTransport servers = Servers();
        using QuorateClient client = Client(servers);
        await using Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(10));
        await AdvanceUntil(() => _time.Now > TimeSpan.FromSeconds(60));
        Assert.True(lease.IsAlive);
    }

    [Fact]
    public async Task Disposing_stops_the_owner_before_it_revokes()
    {
        Lease? lease = null;
        bool? wasLost = null;
        using ScriptedTransport servers = Servers();
        Func<Asked, int, Task<object>> others = servers.OnCall;
        servers.OnCall = (asked, number) =>
        {
            if (asked.Request is not Proto.LeaseRevokeRequest) { return others(asked, number); }
            wasLost = lease!.Lost.IsCancellationRequested;
            return Task.FromResult<object>(new Proto.LeaseRevokeResponse());
        };
        using QuorateClient client = Client(servers);
        lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(10));
        await lease.DisposeAsync();
        await lease.DisposeAsync();
        Assert.True(wasLost);
        Assert.Equal(lease.Id, ((Proto.LeaseRevokeRequest)servers.All[^1].Request).ID);
    }

    // Goal: a grant whose answer was lost is repeated with the same id, and found to have happened: never two leases for one.
    [Fact]
    public async Task A_grant_is_repeated_under_the_same_id()
    {
        using ScriptedTransport servers = new ScriptedTransport().Answers(
            new RpcFailure(StatusCode.Unavailable, "the connection broke", wasSent: true),
            new RpcFailure(StatusCode.FailedPrecondition, FailureJudge.LeaseExists, wasSent: true),
            new Proto.LeaseTimeToLiveResponse { TTL = 8, GrantedTTL = 9 },
            new Proto.LeaseRevokeResponse());
        using QuorateClient client = servers.Client();
        await using Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(9), lease.TimeToLive);
        Assert.Equal([lease.Id, lease.Id], servers.All.Take(2).Select(static asked => ((Proto.LeaseGrantRequest)asked.Request).ID));
    }

    private static int Renewals(ScriptedTransport servers) => servers.All.Count(static asked => asked.Request is Proto.LeaseKeepAliveRequest);

    private static async Task Eventually(Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 3000, "it did not come to it");
            await Task.Delay(10);
        }
    }

    private ScriptedTransport Servers() => new()
    {
        OnCall = (asked, _) => asked.Request switch
        {
            Proto.LeaseGrantRequest grant => Task.FromResult<object>(new Proto.LeaseGrantResponse { ID = grant.ID, TTL = grant.TTL }),
            Proto.LeaseKeepAliveRequest => _renewal(asked),
            _ => Task.FromResult<object>(new Proto.LeaseRevokeResponse()),
        },
    };

    private QuorateClient Client(ScriptedTransport servers) => servers.Client(options => options.Time = _time);

    // In small steps, so that the renewing task has its turn in between.
    private async Task AdvanceUntil(Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 3000, "it did not come to it");
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(3);
        }
    }
}
