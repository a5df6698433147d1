using Xunit;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client.Tests;

/// <summary>What is sent again, and what the caller is told.</summary>
public sealed class RetryTests
{
    private const string Unavailable = "the connection broke";

    /// <summary>Status, words, sent; then whether a put is sent again, and what it is told if not.</summary>
    public static TheoryData<int, string, bool, bool, string> Failures => new()
    {
        // Nothing left this process.
        { 14, "cannot be reached", false, true, "" },

        // Said before anything is proposed.
        { 14, "etcdserver: no leader", true, true, "" },
        { 8, "etcdserver: too many requests", true, true, "" },
        { 9, "etcdserver: rpc not supported for learner", true, true, "" },

        // May be said of a write that was proposed.
        { 14, Unavailable, true, false, "OutcomeUnknownException Unknown" },
        { 14, "etcdserver: leader changed", true, false, "OutcomeUnknownException Unknown" },
        { 14, "etcdserver: server stopped", true, false, "OutcomeUnknownException Unknown" },
        { 14, "etcdserver: request timed out", true, false, "OutcomeUnknownException Unknown" },
        { 14, "etcdserver: request timed out, possibly due to previous leader failure", true, false, "OutcomeUnknownException Unknown" },
        { 14, "etcdserver: request timed out, possibly due to connection lost", true, false, "OutcomeUnknownException Unknown" },
        { 4, "context deadline exceeded", true, false, "OutcomeUnknownException Unknown" },
        { 1, "context canceled", true, false, "OutcomeUnknownException Unknown" },
        { 2, "raft proposal dropped", true, false, "OutcomeUnknownException Unknown" },
        { 13, "stream terminated", true, false, "OutcomeUnknownException Unknown" },

        // etcd applies the write that crosses the quota, and says this all the same.
        { 8, "etcdserver: mvcc: database space exceeded", true, false, "RefusedException Unknown" },
        { 8, "grpc: trying to send message larger than max", true, false, "RefusedException Unknown" },

        // Refused for good.
        { 3, "etcdserver: key is not provided", true, false, "RefusedException NothingHappened" },
        { 3, "etcdserver: request is too large", true, false, "RefusedException NothingHappened" },
        { 5, "etcdserver: requested lease not found", true, false, "LeaseNotFoundException NothingHappened" },
        { 7, "etcdserver: permission denied", true, false, "AccessDeniedException NothingHappened" },
        { 16, "etcdserver: invalid auth token", true, false, "AccessDeniedException NothingHappened" },
        { 11, "etcdserver: mvcc: required revision has been compacted", true, false, "CompactedException NothingHappened" },
        { 12, "unknown method", true, false, "RefusedException NothingHappened" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_write_is_sent_again_only_if_nothing_happened(int status, string words, bool wasSent, bool again, string told)
    {
        using ScriptedTransport servers = new ScriptedTransport().Answers(
            new RpcFailure((StatusCode)status, words, wasSent), new Proto.PutResponse { Header = new() { Revision = 7 } });
        using QuorateClient client = servers.Client();
        if (again)
        {
            Assert.Equal(7, (await client.Kv.PutAsync("k", "v")).Revision);
            Assert.Equal(2, servers.All.Count);
            Assert.NotEqual(servers.All[0].Endpoint, servers.All[1].Endpoint);
            return;
        }

        QuorateException e = await Assert.ThrowsAnyAsync<QuorateException>(() => client.Kv.PutAsync("k", "v"));
        Assert.Equal(told, $"{e.GetType().Name} {e.Outcome}");
        Assert.Equal((words, (StatusCode)status), (e.Message, e.Status));
        Assert.Single(servers.All);
    }

    // A read is sent again after all that may pass; and whatever it is told, nothing happened.
    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_read_is_sent_again_after_what_may_pass(int status, string words, bool wasSent, bool again, string told)
    {
        using ScriptedTransport servers = new ScriptedTransport().Answers(
            new RpcFailure((StatusCode)status, words, wasSent), new Proto.RangeResponse { Header = new() { Revision = 7 } });
        using QuorateClient client = servers.Client();
        if (again || told == "OutcomeUnknownException Unknown")
        {
            Assert.Null(await client.Kv.GetAsync("k"));
            Assert.Equal(2, servers.All.Count);
            return;
        }

        QuorateException e = await Assert.ThrowsAnyAsync<QuorateException>(() => client.Kv.GetAsync("k"));
        Assert.Equal(Outcome.NothingHappened, e.Outcome);
    }

    // Goal: what may have happened at the first attempt of an idempotent write is not called "nothing happened" after the second.
    [Fact]
    public async Task A_doubt_is_not_forgotten_when_a_later_attempt_is_refused()
    {
        using ScriptedTransport servers = new ScriptedTransport().Answers(
            new RpcFailure(StatusCode.Unavailable, Unavailable, wasSent: true),
            new RpcFailure(StatusCode.NotFound, FailureJudge.LeaseNotFound, wasSent: true));
        using QuorateClient client = servers.Client();
        LeaseNotFoundException e = await Assert.ThrowsAsync<LeaseNotFoundException>(() => client.Leases.RevokeAsync(7));
        Assert.Equal((Outcome.Unknown, 2), (e.Outcome, servers.All.Count));
    }

    [Fact]
    public async Task When_time_is_up_the_write_that_was_sent_is_unknown_and_the_one_that_never_was_is_not()
    {
        using var silent = new ScriptedTransport { OnCall = static (_, _) => new TaskCompletionSource<object>().Task };
        using QuorateClient sent = silent.Client(static options => options.CallTimeout = TimeSpan.FromMilliseconds(50));
        Assert.Equal(Outcome.Unknown, (await Assert.ThrowsAsync<OutcomeUnknownException>(() => sent.Kv.PutAsync("k", "v"))).Outcome);
        Assert.Single(silent.All);

        using ScriptedTransport gone = new ScriptedTransport().Answers(new RpcFailure(StatusCode.Unavailable, "cannot be reached", wasSent: false));
        using QuorateClient never = gone.Client(static options => options.CallTimeout = TimeSpan.FromMilliseconds(50));
        UnavailableException e = await Assert.ThrowsAsync<UnavailableException>(() => never.Kv.PutAsync("k", "v"));
        Assert.Contains("cannot be reached", e.Message, StringComparison.Ordinal);
        Assert.Contains(gone.All, static asked => asked.Endpoint.Host == "a");
        Assert.Contains(gone.All, static asked => asked.Endpoint.Host == "b");
    }

    [Fact]
    public async Task Who_cancels_is_told_whether_it_was_sent()
    {
        using var silent = new ScriptedTransport { OnCall = static (_, _) => new TaskCompletionSource<object>().Task };
        using QuorateClient client = silent.Client();
        using var stop = new CancellationTokenSource();
        Task<PutResult> put = client.Kv.PutAsync("k", "v", null, stop.Token);
        await stop.CancelAsync();
        Assert.Equal(Outcome.Unknown, (await Assert.ThrowsAsync<CallCanceledException>(() => put)).Outcome);
        Assert.Equal(Outcome.NothingHappened, (await Assert.ThrowsAsync<CallCanceledException>(() => client.Kv.GetAsync("k", null, stop.Token))).Outcome);
    }

    // Goal: a token that is not taken (any more) is fetched anew, and the write, which did not happen, is sent again with the new one.
    [Fact]
    public async Task A_write_whose_token_was_refused_is_sent_again_with_a_new_one()
    {
        int logins = 0;
        using var servers = new ScriptedTransport
        {
            OnCall = (asked, _) => Task.FromResult<object>(asked switch
            {
                { Request: Proto.AuthenticateRequest { Name: "u", Password: "p" } } => new Proto.AuthenticateResponse { Token = $"t{++logins}" },
                { Headers.Token: "t2" } => new Proto.PutResponse { Header = new() { Revision = 9 } },
                _ => new RpcFailure(StatusCode.Unauthenticated, "etcdserver: invalid auth token", wasSent: true),
            }),
        };
        using QuorateClient client = servers.Client(static options => (options.User, options.Password) = ("u", "p"));
        Assert.Equal(9, (await client.Kv.PutAsync("k", "v")).Revision);
        Assert.Equal(9, (await client.Kv.PutAsync("k", "v")).Revision);
        Assert.Equal(2, logins);
    }

    [Fact]
    public async Task Old_tokens_are_renewed_and_a_wrong_password_is_said_at_once()
    {
        var time = new FakeTime();
        int logins = 0;
        using var servers = new ScriptedTransport
        {
            OnCall = (asked, _) => Task.FromResult<object>(asked.Request is Proto.AuthenticateRequest
                ? new Proto.AuthenticateResponse { Token = $"t{++logins}" }
                : new Proto.PutResponse { Header = new() }),
        };
        using QuorateClient client = servers.Client(options => (options.User, options.Password, options.Time) = ("u", "p", time));
        await client.Kv.PutAsync("k", "v");
        await client.Kv.PutAsync("k", "v");
        Assert.Equal(1, logins);
        time.Advance(TimeSpan.FromMinutes(4));
        await client.Kv.PutAsync("k", "v");
        Assert.Equal("t2", servers.All[^1].Headers.Token);

        using ScriptedTransport strict = new ScriptedTransport().Answers(
            new RpcFailure(StatusCode.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password", wasSent: true));
        using QuorateClient stranger = strict.Client(static options => (options.User, options.Password) = ("u", "no"));
        await Assert.ThrowsAsync<AccessDeniedException>(() => stranger.Kv.PutAsync("k", "v"));
        Assert.Single(strict.All);
    }

    [Fact]
    public void A_failed_endpoint_is_left_out_for_longer_each_time_and_comes_back()
    {
        var time = new FakeTime();
        Uri a = new("http://a"), b = new("http://b");
        var endpoints = new EndpointSet([a, b], time);
        Assert.Equal([a, b], new[] { endpoints.Choose(), endpoints.Choose() }.Order(Comparer<Uri>.Create(static (x, y) => string.CompareOrdinal(x.Host, y.Host))));
        endpoints.Failed(a);
        Assert.All(Enumerable.Range(0, 4), _ => Assert.Equal(b, endpoints.Choose()));
        time.Advance(TimeSpan.FromMilliseconds(501));
        Assert.Contains(a, new[] { endpoints.Choose(), endpoints.Choose() });
        endpoints.Failed(a);
        time.Advance(TimeSpan.FromMilliseconds(501));
        Assert.Equal([b, b], new[] { endpoints.Choose(), endpoints.Choose() });
        endpoints.Failed(b);
        Assert.False(endpoints.HasHealthy());
        Assert.Equal(a, endpoints.Choose()); // Its time is over first.
        endpoints.Succeeded(b);
        Assert.Equal([b, b], new[] { endpoints.Choose(), endpoints.Choose() });
    }
}
