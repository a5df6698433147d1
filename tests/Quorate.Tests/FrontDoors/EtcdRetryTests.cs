using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Xunit;

namespace Quorate.Tests.FrontDoors;

public sealed class EtcdRetryTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    // Goal: whoever misreads a failure either sends a write twice or gives up needlessly.
    [Theory]
    [InlineData(GrpcStatus.Unavailable, "connection refused", false, EtcdFailure.NotReached)]
    [InlineData(GrpcStatus.Unavailable, "etcdserver: no leader", true, EtcdFailure.Refused)]
    [InlineData(GrpcStatus.ResourceExhausted, "etcdserver: too many requests", true, EtcdFailure.Refused)]
    [InlineData(GrpcStatus.FailedPrecondition, "etcdserver: rpc not supported for learner", true, EtcdFailure.Refused)]
    [InlineData(GrpcStatus.ResourceExhausted, "etcdserver: mvcc: database space exceeded", true, EtcdFailure.Final)]
    [InlineData(GrpcStatus.OutOfRange, "etcdserver: mvcc: required revision has been compacted", true, EtcdFailure.Final)]
    [InlineData(GrpcStatus.InvalidArgument, "etcdserver: key is not provided", true, EtcdFailure.Final)]
    [InlineData(GrpcStatus.Unavailable, "etcdserver: request timed out", true, EtcdFailure.Unknown)]
    [InlineData(GrpcStatus.Unavailable, "etcdserver: server stopped", true, EtcdFailure.Unknown)]
    [InlineData(GrpcStatus.Unavailable, "the connection broke", true, EtcdFailure.Unknown)]
    [InlineData(GrpcStatus.DeadlineExceeded, "context deadline exceeded", true, EtcdFailure.Unknown)]
    [InlineData(GrpcStatus.Unknown, "HTTP 502 without a gRPC status", true, EtcdFailure.Unknown)]
    [InlineData(GrpcStatus.Internal, "internal error", true, EtcdFailure.Unknown)]
    public void A_failure_tells_whether_something_may_have_happened(GrpcStatus status, string words, bool wasSent, EtcdFailure expected) =>
        Assert.Equal(expected, EtcdFailures.Of(status, words, wasSent));

    // Goal: a write of unknown outcome is sent once, however patient the client is; the next call asks another server.
    [Fact]
    public void A_write_of_unknown_outcome_is_never_repeated()
    {
        var endpoints = new EtcdEndpoints(3, first: 2);
        Assert.Null(new EtcdAttempts(new(), endpoints, isReadOnly: false).Failed(EtcdFailure.Unknown, Long, 0));
        Assert.Equal(0, endpoints.Current);
    }

    // Goal: a read goes on at the next endpoint after a pause, and stays with the one that answers.
    [Fact]
    public void A_read_of_unknown_outcome_is_repeated_elsewhere()
    {
        var endpoints = new EtcdEndpoints(3);
        var attempts = new EtcdAttempts(new(), endpoints, isReadOnly: true);
        Assert.True(attempts.Failed(EtcdFailure.Unknown, Long, 0) > TimeSpan.Zero);
        Assert.Equal(1, attempts.Endpoint);
        attempts.Answered();
        Assert.Equal(1, new EtcdAttempts(new(), endpoints, isReadOnly: false).Endpoint);
    }

    // Goal: endpoints that cannot be reached are passed over at once, each asked once.
    [Fact]
    public void All_endpoints_are_tried_before_the_call_is_given_up()
    {
        var attempts = new EtcdAttempts(EtcdRetryPolicy.Never, new EtcdEndpoints(3), isReadOnly: false);
        Assert.Equal(TimeSpan.Zero, attempts.Failed(EtcdFailure.NotReached, Long, 1));
        Assert.Equal(TimeSpan.Zero, attempts.Failed(EtcdFailure.NotReached, Long, 2));
        Assert.Equal(2, attempts.Endpoint);
        Assert.Null(attempts.Failed(EtcdFailure.NotReached, Long, 3));
    }

    // Goal: refusals are repeated with pauses that grow to their bound and differ between clients, at most so often.
    [Fact]
    public void Refusals_are_repeated_with_growing_pauses()
    {
        var policy = new EtcdRetryPolicy { MaxPauses = 8, FirstPause = TimeSpan.FromMilliseconds(10), LongestPause = TimeSpan.FromMilliseconds(100) };
        var attempts = new EtcdAttempts(policy, new EtcdEndpoints(2), isReadOnly: false);
        double[] full = [10, 20, 40, 80, 100, 100, 100, 100];
        foreach (double most in full)
        {
            TimeSpan? pause = attempts.Failed(EtcdFailure.Refused, Long, 0xF00D_F00D_F00D_F00D * (ulong)most);
            Assert.InRange(pause!.Value.TotalMilliseconds, most / 2, most);
        }

        Assert.Null(attempts.Failed(EtcdFailure.Refused, Long, 0));
        var first = new EtcdAttempts(policy, new EtcdEndpoints(1), isReadOnly: false);
        var second = new EtcdAttempts(policy, new EtcdEndpoints(1), isReadOnly: false);
        Assert.NotEqual(first.Failed(EtcdFailure.Refused, Long, 1), second.Failed(EtcdFailure.Refused, Long, 20_000));
    }

    // Goal: the caller hears what the server said, not that there was no time left to ask again; an answer to the request is final.
    [Theory]
    [InlineData(EtcdFailure.Refused, 5)]
    [InlineData(EtcdFailure.NotReached, 0)]
    [InlineData(EtcdFailure.Final, 60_000)]
    public void A_call_is_given_up_when_another_attempt_cannot_help(EtcdFailure failure, int leftMillis)
    {
        var attempts = new EtcdAttempts(new(), new EtcdEndpoints(3), isReadOnly: true);
        Assert.Null(attempts.Failed(failure, TimeSpan.FromMilliseconds(leftMillis), 0));
    }
}
