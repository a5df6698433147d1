using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Members that come and go, by etcdctl and with real processes.</summary>
public sealed class MembershipTests
{
    private const int Refused = 3;

    // Goal: one node grows to three by etcdctl's words and flags, through kill -9 of everybody in between; shrinks to a member that was not
    // there in the beginning; nothing acknowledged is lost, and the removed ones say what they are, now and when started again.
    [Fact]
    public async Task A_cluster_grows_from_one_to_three_and_shrinks_to_another_one()
    {
        using var cluster = new ChangingCluster();
        ServerProcess a = cluster.Founder("a");
        a.Start();
        a.WaitUntilReady();
        using (var client = new KeyValues(a)) { await client.PutManyAsync("m/", 1, 20); }

        ServerProcess b = cluster.Add(a, "b", learner: true);
        Assert.Equal(["- unstarted learner", "a started voter"], cluster.Members(a).Order());
        Assert.Contains("can only promote a learner member which is in sync with leader", cluster.Fails(a, "member", "promote", cluster.IdOf(a, b)), StringComparison.Ordinal);
        b.Start();
        b.WaitUntilReady();
        Assert.Contains("rpc not supported for learner", cluster.Fails(b, "get", "m/0001"), StringComparison.Ordinal);
        b.Kill();
        b.Start();
        b.WaitUntilReady();
        cluster.Run(a, "member", "promote", cluster.IdOf(a, b));

        ServerProcess c = cluster.Add(a, "c");
        a.Kill(); // The third has a vote and has never run: it must be found by who is left, and learn from them.
        c.Start();
        a.Start();
        foreach (ServerProcess server in new[] { a, b, c }) { server.WaitUntilReady(); }
        Assert.Equal(["a started voter", "b started voter", "c started voter"], cluster.Members(c).Order());
        using (var client = new KeyValues(c)) { await client.ExpectManyAsync("m/", 1, 20); }

        foreach (ServerProcess server in new[] { a, b, c }) { server.Kill(); }
        foreach (ServerProcess server in new[] { a, b, c }) { server.Start(); }
        foreach (ServerProcess server in new[] { a, b, c }) { server.WaitUntilReady(); }
        using (var client = new KeyValues(b)) { await client.PutManyAsync("m/", 21, 40); }

        // Each in turn, by its own door, so that a leader removes itself; the last two become one.
        foreach ((ServerProcess leaves, ServerProcess stays) in new[] { (a, c), (b, c) })
        {
            string id = cluster.IdOf(stays, leaves);
            cluster.Run(leaves, "member", "remove", id);
            Assert.Equal(0, leaves.WaitForExit());
            Assert.Contains("the member has been permanently removed from the cluster", leaves.Log, StringComparison.Ordinal);
            using var client = new KeyValues(stays);
            await client.ExpectManyAsync("m/", 1, 40);
            (int code, string log) = leaves.StartAndFail();
            Assert.Equal(0, code);
            Assert.Contains("the member has been permanently removed from the cluster", log, StringComparison.Ordinal);
        }

        c.Kill();
        c.Start();
        c.WaitUntilReady();
        Assert.Equal(["c started voter"], cluster.Members(c));
        using (var client = new KeyValues(c)) { await client.ExpectManyAsync("m/", 1, 40); }
    }

    // Goal: leadership moves where etcdctl says.
    [Fact]
    public async Task Leadership_moves_by_etcdctl()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        ServerProcess leader = await cluster.FindLeaderAsync();
        ServerProcess next = cluster.Servers.First(server => server != leader);
        string etcdctl = Tool.Find("etcdctl");
        string id = Tool.Run(etcdctl, ["--endpoints", $"127.0.0.1:{next.ClientPort}", "member", "list"]).Succeeded()
            .Split('\n').First(line => line.Contains($", {next.Name}, ", StringComparison.Ordinal)).Split(',')[0];
        string moved = Tool.Run(etcdctl, ["--endpoints", $"127.0.0.1:{leader.ClientPort}", "move-leader", id]).Succeeded();
        Assert.Contains("Leadership transferred", moved, StringComparison.Ordinal);
        Assert.Same(next, await cluster.FindLeaderAsync());
    }

    // Goal: a server that may not join says why, in etcd's words, and has left nothing behind that keeps it from joining later.
    [Fact]
    public void A_server_that_does_not_fit_says_why()
    {
        using var cluster = new ChangingCluster();
        ServerProcess a = cluster.Founder("a");
        a.Start();
        a.WaitUntilReady();
        ServerProcess b = cluster.Server("b", cluster.Name(a) + "," + cluster.Name("b"), "existing");
        ExpectRefusal(b, "member count is unequal");
        ServerProcess alone = cluster.Server("b", cluster.Name("b"), "existing");
        ExpectRefusal(alone, "cannot fetch cluster info from peer urls");
        cluster.Add(a, "c", learner: true);
        ExpectRefusal(b, "PeerURLs: no match found for existing member");
        cluster.Run(a, "member", "remove", cluster.IdOf(a, "c"));
        cluster.Add(a, "b", learner: true);
        b.Start();
        b.WaitUntilReady();
    }

    private static void ExpectRefusal(ServerProcess server, string words)
    {
        (int code, string log) = server.StartAndFail();
        Assert.Contains(words, log, StringComparison.Ordinal);
        Assert.Equal(Refused, code);
    }
}
