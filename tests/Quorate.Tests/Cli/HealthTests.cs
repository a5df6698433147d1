using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Health;
using Quorate.Kv;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class HealthTests
{
    // Goal: scripts act on the exit code: one that is ill, gone, far behind or of another opinion makes it 10, nobody there 4.
    [Fact]
    public void The_exit_code_is_the_worst_that_was_seen()
    {
        EndpointStatus a = Status("a", leader: 1), b = Status("b", leader: 1), gone = new(new Uri("http://c:1"), null, "connection refused", 0, IsReachable: false);
        Assert.Equal(ExitCode.Ok, new HealthLook([a, b]).Code);
        Assert.Equal(ExitCode.Unhealthy, new HealthLook([a, gone]).Code);
        Assert.Equal(ExitCode.CannotConnect, new HealthLook([gone, gone]).Code);
        Assert.Equal(ExitCode.Unhealthy, new HealthLook([a, Status("b", leader: 2)]).Code);
        Assert.Equal(ExitCode.Unhealthy, new HealthLook([a, b with { Health = "no leader" }]).Code);
    }

    // Goal: a member that was cut off and still believes in the leader of an older term is no quarrel of the others.
    [Fact]
    public void Only_the_newest_term_counts_for_who_leads() =>
        Assert.Equal(ExitCode.Ok, new HealthLook([Status("a", leader: 1), Status("b", leader: 2, term: 6)]).Code);

    // Goal: a lag is measured against the furthest of all, and is an illness only when it is large.
    [Fact]
    public void Lag_is_told_and_judged()
    {
        EndpointStatus ahead = Status("a", leader: 1, applied: 10_000), near = Status("b", leader: 1, applied: 9_990), far = Status("c", leader: 1, applied: 100);
        var look = new HealthLook([ahead, near, far]);
        Assert.Equal((0UL, 10UL, 9_900UL), (look.Lag(ahead), look.Lag(near), look.Lag(far)));
        Assert.Equal(("ok", "ok", "9900 entries behind"), (look.Verdict(ahead), look.Verdict(near), look.Verdict(far)));
        Assert.Equal(ExitCode.Unhealthy, look.Code);
        Assert.Equal(ExitCode.Ok, new HealthLook([ahead, near]).Code);
    }

    // Goal: programs get the same as people do.
    [Fact]
    public void Json_and_table_say_the_same()
    {
        var look = new HealthLook([Status("a", leader: 1), new EndpointStatus(new Uri("http://c:1"), null, "connection refused", 0, IsReachable: false)]);
        var text = new StringWriter();
        look.Write(text);
        Assert.Contains("connection refused", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("1 of 2 endpoints are well.", text.ToString(), StringComparison.Ordinal);
        var json = look.Json();
        Assert.False(json["healthy"]!.GetValue<bool>());
        Assert.Equal("leader", json["endpoints"]![0]!["role"]!.GetValue<string>());
        Assert.False(json["endpoints"]![1]!["reachable"]!.GetValue<bool>());
    }

    private static EndpointStatus Status(string host, ulong leader, ulong term = 7, ulong applied = 100) => new(
        new Uri($"http://{host}:1"),
        new StatusResponse
        {
            Header = new ResponseHeader { MemberId = (ulong)(host[0] - 'a' + 1) },
            Leader = leader,
            RaftTerm = term,
            RaftIndex = applied,
            RaftAppliedIndex = applied,
        },
        "ok", 1, IsReachable: true);
}
