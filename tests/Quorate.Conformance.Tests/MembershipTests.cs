using Quorate.FrontDoors.Etcd.Client;
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

    // Goal: a member starts as etcdctl told, though another one was added before it that has not started: that one has no name.
    [Fact]
    public void A_member_starts_as_told_while_another_one_has_no_name()
    {
        using var cluster = new ChangingCluster();
        ServerProcess a = cluster.Founder("a");
        a.Start();
        a.WaitUntilReady();
        cluster.Add(a, "b", learner: true);
        ServerProcess c = cluster.Add(a, "c");
        Assert.Contains($",={cluster.PeerUrl("b")}", "," + string.Join(' ', c.Arguments).Split("--initial-cluster ")[1], StringComparison.Ordinal);
        c.Start();
        c.WaitUntilReady();
        Assert.Equal(["- unstarted learner", "a started voter", "c started voter"], cluster.Members(c).Order());
    }

    // Goal: with users, the group changes if root says so, and nobody else.
    [Fact]
    public void With_users_only_root_changes_members()
    {
        using var cluster = new ChangingCluster();
        ServerProcess a = cluster.Founder("a");
        a.Start();
        a.WaitUntilReady();
        cluster.Run(a, "user", "add", "root:r");
        cluster.Run(a, "user", "grant-role", "root", "root");
        cluster.Run(a, "user", "add", "plain:p");
        cluster.Run(a, "auth", "enable");
        cluster.User = "root:r";
        ServerProcess b = cluster.Add(a, "b", learner: true);
        b.Start();
        b.WaitUntilReady();
        string id = cluster.IdOf(a, b);
        string[][] changes =
        [
            ["member", "promote", id], ["member", "update", id, "--peer-urls=http://127.0.0.1:1"],
            ["member", "remove", id], ["member", "add", "c", "--peer-urls=http://127.0.0.1:1"],
        ];
        cluster.User = "plain:p";
        foreach (string[] change in changes) { Assert.Contains("permission denied", cluster.Fails(a, change), StringComparison.Ordinal); }
        cluster.User = "root:r";
        Assert.Equal(["a started voter", "b started learner"], cluster.Members(a).Order());
        cluster.Run(a, "member", "promote", id);
        Assert.Equal(["a started voter", "b started voter"], cluster.Members(a).Order());
        cluster.Run(a, "member", "remove", id);
        Assert.Equal(0, b.WaitForExit());
        Assert.Equal(["a started voter"], cluster.Members(a));
        cluster.Run(a, "put", "k", "v");
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

    // Goal: a member whose disk is gone is replaced at its own peer URL while clients write: nothing acknowledged is lost, and afterwards the new
    // one counts. Method: wipe one of three under load, `quorate member replace`, start what it says; then take another one away.
    [Fact]
    public async Task A_wiped_member_is_replaced_under_load()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        ServerProcess lost = cluster.Servers[2];
        string endpoints = string.Join(',', cluster.Servers.Take(2).Select(server => server.Endpoint.OriginalString));
        using var stop = new CancellationTokenSource();
        Task<int> load = WriteUntilAsync(cluster.Servers[0], stop.Token);
        lost.Kill();
        Directory.Delete(cluster.DataDirectoryOf(2), recursive: true);
        Task<string> replacing = Task.Run(() => Quorate("member", "replace", lost.Name, "--endpoints", endpoints));
        string[] arguments = [.. lost.Arguments];
        arguments[Array.IndexOf(arguments, "--initial-cluster-state") + 1] = "existing";
        using var successor = new ServerProcess(lost.Name, lost.ClientPort, lost.PeerPort, arguments);
        for (int i = 0; i < 300 && !Quorate("member", "list", "--endpoints", endpoints).Contains("unstarted", StringComparison.Ordinal); i++) { await Task.Delay(100); }
        successor.Start();
        successor.WaitUntilReady();
        Assert.EndsWith("promoted\n", await replacing, StringComparison.Ordinal);

        cluster.Servers[1].Kill();
        int before = Volatile.Read(ref _written);
        for (int i = 0; i < 300 && Volatile.Read(ref _written) < before + 20; i++) { await Task.Delay(100); }
        await stop.CancelAsync();
        int acknowledged = await load;
        Assert.True(acknowledged >= before + 20, $"{acknowledged} writes, {before} before another one was taken away");
        using var client = new KeyValues(successor);
        await client.ExpectManyAsync("load/", 1, acknowledged);
        string list = Quorate("member", "list", "--endpoints", successor.Endpoint.OriginalString, "--format", "json");
        Assert.DoesNotContain("\"isLearner\": true", list, StringComparison.Ordinal);
        Assert.Equal(3, list.Split("peerURLs").Length - 1);
    }

    private int _written;

    // Each write is repeated until it is acknowledged; gives the number of the last one that was.
    private async Task<int> WriteUntilAsync(ServerProcess server, CancellationToken stop)
    {
        using var client = new KeyValues(server);
        for (int i = 1; !stop.IsCancellationRequested; i++)
        {
            for (bool isDone = false; !isDone;)
            {
                try
                {
                    await client.PutManyAsync("load/", i, i);
                    isDone = true;
                }
                catch (EtcdRpcException)
                {
                    // Unknown, or no leader for a moment: the same value again.
                }
            }

            Volatile.Write(ref _written, i);
            await Task.Delay(5, CancellationToken.None);
        }

        return Volatile.Read(ref _written);
    }

    private static string Quorate(params string[] arguments) => Tool.Run("dotnet", [ServerProcess.Binary, .. arguments], seconds: 120).Succeeded();

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

    // Goal: a member with several URLs joins by what etcdctl prints for it, and is called at the one where it is.
    [Fact]
    public void A_member_may_have_several_urls()
    {
        using var cluster = new ChangingCluster();
        ServerProcess a = cluster.Founder("a");
        a.Start();
        a.WaitUntilReady();
        ServerProcess b = cluster.Add(a, "b", learner: true, cluster.PeerUrl("nobody"));
        b.Start();
        b.WaitUntilReady();
        Assert.Contains(cluster.Members(a), static member => member.StartsWith("b started", StringComparison.Ordinal));
    }

    private static void ExpectRefusal(ServerProcess server, string words)
    {
        (int code, string log) = server.StartAndFail();
        Assert.Contains(words, log, StringComparison.Ordinal);
        Assert.Equal(Refused, code);
    }
}
