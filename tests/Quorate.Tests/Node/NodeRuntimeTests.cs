using System.Text;
using Quorate.Core;
using Quorate.Node;
using Quorate.Node.Files;
using Quorate.Node.Logging;
using Quorate.Node.Peers;
using Quorate.Raft;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class NodeRuntimeTests
{
    [Fact]
    public void One_node_answers_and_has_it_all_after_a_graceful_stop()
    {
        using var nodes = new Nodes(1);
        nodes.Start(1);
        Assert.Equal("", nodes.Set(1, "a", "1"));
        Assert.Equal("1", nodes.Set(1, "a", "2"));
        Assert.Equal("2", nodes.Get(1, "a"));
        Assert.Equal("2", nodes.Get(1, "a", ReadLevel.Local));
        Assert.Null(nodes.Get(1, "b"));
        nodes.Stop(1);
        Assert.Contains(nodes.Log.Lines, static line => line.Contains("graceful=yes", StringComparison.Ordinal));

        nodes.Start(1);
        Assert.Equal("2", nodes.Get(1, "a"));
        Assert.Equal("2", nodes.Set(1, "a", "3"));
    }

    [Fact]
    public void The_size_of_a_shard_counts_what_is_not_flushed_yet()
    {
        using var nodes = new Nodes(1);
        NodeRuntime node = nodes.Start(1);
        nodes.Set(1, "a", new string('x', 3000));
        Waiting.Until(() => node.StatusOf(Nodes.Shard) is { DiskBytes: > 3000 }, "the size to be told");
    }

    [Fact]
    public void Everything_acknowledged_survives_a_kill()
    {
        using var nodes = new Nodes(1);
        for (int life = 0; life < 4; life++)
        {
            nodes.Start(1);
            for (int i = 0; i < life * 10; i++) { Assert.Equal($"{i}", nodes.Get(1, $"key{i}")); }
            for (int i = life * 10; i < (life * 10) + 10; i++) { nodes.Set(1, $"key{i}", $"{i}"); }
            nodes.Kill(1);
        }
    }

    [Fact]
    public void Three_nodes_take_commands_and_reads_at_each_of_them()
    {
        using Nodes nodes = new Nodes(3).StartAll();
        for (int i = 0; i < 30; i++)
        {
            nodes.Set((i % 3) + 1, $"key{i % 7}", $"{i}");
            Assert.Equal($"{i}", nodes.Get(((i + 1) % 3) + 1, $"key{i % 7}"));
        }

        int leader = nodes.Leader();
        Waiting.Until(
            () => nodes.Running.All(n => n.StatusOf(Nodes.Shard) is { } s && s.LeaderNode.Value == (ulong)leader), "all to know the leader");
        Waiting.Until(
            () => nodes.Running.Select(static n => Nodes.Result(n.HashAsync(Nodes.Shard))).Distinct().Count() == 1, "equal states");
    }

    [Fact]
    public void Two_of_three_go_on_without_a_killed_leader_which_catches_up_when_it_is_back()
    {
        using Nodes nodes = new Nodes(3).StartAll();
        nodes.Set(1, "before", "1");
        int old = nodes.Leader();
        nodes.Kill(old);

        int other = old == 1 ? 2 : 1;
        Assert.Equal("1", nodes.Get(other, "before"));
        nodes.Set(other, "after", "2");

        nodes.Start(old);
        Assert.Equal("2", nodes.Get(old, "after"));
        nodes.Set(old, "again", "3");
        Assert.Equal("3", nodes.Get(other, "again"));
    }

    [Fact]
    public void A_graceful_stop_of_the_leader_hands_leadership_over()
    {
        using Nodes nodes = new Nodes(3).StartAll();
        nodes.Set(1, "a", "1");
        int old = nodes.Leader();
        nodes.Stop(old);
        Assert.Contains(nodes.Log.Lines, static line => line.Contains("graceful=yes", StringComparison.Ordinal));
        Assert.NotEqual(old, nodes.Leader());
        Assert.Equal("1", nodes.Get(old == 1 ? 2 : 1, "a"));
    }

    [Fact]
    public async Task Every_request_gets_an_answer_when_the_node_stops()
    {
        using var nodes = new Nodes(1);
        NodeRuntime node = nodes.Start(1);
        nodes.Set(1, "a", "1");
        var answers = new List<Task<ProposeResult>>();
        for (int i = 0; i < 2000; i++)
        {
            if (i == 1000) { _ = node.StopAsync(); }
            answers.Add(node.ProposeAsync(Nodes.Shard, Encoding.UTF8.GetBytes($"key{i} {i}"), TestContext.Current.CancellationToken).AsTask());
        }

        ProposeResult[] results = await Task.WhenAll(answers).WaitAsync(Waiting.Longest, TestContext.Current.CancellationToken);
        nodes.Stop(1);
        Assert.Equal(RequestOutcome.Stopping, Nodes.Propose(node, "too late").Outcome);
        Assert.Equal(RequestOutcome.Stopping, Nodes.Read(node, ReadLevel.Local).Outcome);
        Assert.Equal(RequestOutcome.Stopping, Nodes.Read(node, ReadLevel.Linearizable).Outcome);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => node.HashAsync(Nodes.Shard));

        nodes.Start(1);
        Assert.Equal("1", nodes.Get(1, "a"));
        for (int i = 0; i < 2000; i++)
        {
            string? value = nodes.Get(1, $"key{i}", ReadLevel.Local);
            if (results[i].Outcome == RequestOutcome.Done) { Assert.Equal($"{i}", value); }
            else if (results[i].Outcome is RequestOutcome.Stopping or RequestOutcome.TooBusy) { Assert.Null(value); }
        }
    }

    [Fact]
    public async Task A_cancelled_command_is_unknown_and_the_node_goes_on()
    {
        using var nodes = new Nodes(2);
        NodeRuntime node = nodes.Start(1); // Without its peer nothing can be committed.
        using var source = new CancellationTokenSource();
        Task<ProposeResult> command = node.ProposeAsync(Nodes.Shard, "a 1"u8.ToArray(), source.Token).AsTask();
        Task<ReadResult> read = node.ReadAsync(Nodes.Shard, ReadLevel.Linearizable, source.Token).AsTask();
        await source.CancelAsync();
        Assert.Equal(RequestOutcome.Unknown, Nodes.Result(command).Outcome);
        Assert.Equal(RequestOutcome.Unknown, Nodes.Result(read).Outcome);
        Assert.Equal(RequestOutcome.Unknown, (await node.ProposeAsync(Nodes.Shard, "b 1"u8.ToArray(), source.Token)).Outcome);

        nodes.Start(2);
        nodes.Set(2, "c", "1");
    }

    [Fact]
    public void Refusals_are_values()
    {
        using var nodes = new Nodes(1);
        NodeRuntime node = nodes.Start(1, static o => o with { MaxCommandBytes = 2000 });
        var missing = new ShardId(99);
        Assert.Equal(RequestOutcome.NoShard, Nodes.Result(node.ProposeAsync(missing, "a 1"u8.ToArray(), TestContext.Current.CancellationToken).AsTask()).Outcome);
        Assert.Equal(RequestOutcome.NoShard, Nodes.Result(node.ReadAsync(missing, ReadLevel.Local, TestContext.Current.CancellationToken).AsTask()).Outcome);
        Assert.Equal(RequestOutcome.NoShard, Nodes.Result(node.ReadAsync(missing, ReadLevel.Linearizable, TestContext.Current.CancellationToken).AsTask()).Outcome);
        Assert.Null(node.StatusOf(missing));
        Assert.Throws<ArgumentOutOfRangeException>(() => Nodes.Propose(node, new string('x', 2001)));
    }

    [Fact]
    public void The_directory_of_a_running_node_is_refused_to_another()
    {
        using var nodes = new Nodes(1);
        nodes.Start(1);
        Assert.Throws<DataDirectoryInUseException>(() => NodeRuntime.Start(nodes.Options(1), nodes.Log));
        nodes.Set(1, "a", "1");
        nodes.Stop(1);

        NodeRuntimeOptions other = nodes.Options(1);
        other = other with { Node = other.Node with { Cluster = new ClusterId(0xBAD) } };
        Assert.Throws<WrongDataDirectoryException>(() => NodeRuntime.Start(other, nodes.Log));
        nodes.Start(1);
        Assert.Equal("1", nodes.Get(1, "a"));
    }

    [Fact]
    public void A_failed_sync_ends_the_node_and_nothing_is_acknowledged_after_it()
    {
        using var nodes = new Nodes(1);
        FailingFiles? files = null;
        var surroundings = new NodeSurroundings { Files = root => files = new FailingFiles(new RealFileSystem(root)) };
        NodeRuntime node = nodes.Start(1, surroundings: surroundings);
        nodes.Set(1, "a", "1");

        files!.FailSyncsWith = new DiskException(DiskFault.Failed, "sync", "wal", "planted");
        Assert.Equal(RequestOutcome.Unknown, Nodes.Propose(node, "a 2").Outcome);
        FatalError fatal = Nodes.Result(node.Fatal);
        Assert.Equal(1, fatal.ExitCode);
        Assert.IsType<DiskException>(fatal.Cause);

        // Even if the disk has recovered: what it lost meanwhile, nobody knows.
        files.FailSyncsWith = null;
        Assert.Equal(RequestOutcome.Stopping, Nodes.Propose(node, "a 3").Outcome);
        Assert.Equal(RequestOutcome.Stopping, Nodes.Read(node, ReadLevel.Linearizable).Outcome);
        Assert.Equal(RequestOutcome.Stopping, Nodes.Read(node, ReadLevel.Local).Outcome);
        Assert.Equal(1, files.SyncsAfterFailure);
        Assert.Equal(1, nodes.Log.Count("fatal"));
        nodes.Stop(1);

        nodes.Start(1);
        Assert.Contains(nodes.Get(1, "a"), (string[])["1", "2"]);
    }

    [Fact]
    public void Damage_has_an_exit_code_of_its_own()
    {
        using var nodes = new Nodes(1);
        FailingFiles? files = null;
        var surroundings = new NodeSurroundings { Files = root => files = new FailingFiles(new RealFileSystem(root)) };
        NodeRuntime node = nodes.Start(1, surroundings: surroundings);
        nodes.Set(1, "a", "1");
        files!.FailSyncsWith = new CorruptFileException("wal/1", 4096, "planted");
        Nodes.Propose(node, "a 2");
        Assert.Equal(12, Nodes.Result(node.Fatal).ExitCode);
        Assert.Equal(12, FatalError.ExitCodeOf(new AggregateException(new CorruptFileException("a", 1, "b"))));
        Assert.Equal(1, FatalError.ExitCodeOf(new InvariantException("a bug")));
    }

    [Fact]
    public void A_follower_that_cannot_sync_stops_and_the_others_go_on()
    {
        using var nodes = new Nodes(3);
        var files = new FailingFiles?[4];
        for (int i = 1; i <= 3; i++)
        {
            int node = i;
            nodes.Start(node, surroundings: new NodeSurroundings { Files = root => files[node] = new FailingFiles(new RealFileSystem(root)) });
        }

        nodes.Set(1, "a", "1");
        int broken = (nodes.Leader() % 3) + 1;
        files[broken]!.FailSyncsWith = new DiskException(DiskFault.Full, "sync", "wal", "planted");
        int other = (broken % 3) + 1;
        nodes.Set(other, "a", "2");
        Nodes.Result(nodes[broken].Fatal);
        nodes.Set(other, "a", "3");
        Assert.Equal("3", nodes.Get(other, "a"));
    }

    [Fact]
    public void A_nearly_full_disk_refuses_commands_and_serves_reads()
    {
        using var nodes = new Nodes(1);
        long free = 1000;
        var surroundings = new NodeSurroundings { Space = () => new DiskSpace(1_000_000, Volatile.Read(ref free)) };
        NodeRuntime node = nodes.Start(1, static o => o with { ReserveBytes = 10_000 }, surroundings);
        Waiting.Until(() => Nodes.Read(node, ReadLevel.Linearizable).Outcome == RequestOutcome.Done, "a read");
        Assert.Equal(RequestOutcome.NoSpace, Nodes.Propose(node, "a 1").Outcome);
        Assert.True(node.Counters().DiskNearlyFull);

        Volatile.Write(ref free, 500_000);
        nodes.Set(1, "a", "1");
        Assert.Equal(1, nodes.Log.Count("disk-nearly-full"));
        Assert.Equal(1, nodes.Log.Count("disk-has-room"));
    }

    // Goal: one nearly full disk of three does not stop writes through the other two, though its node led.
    [Fact]
    public void A_leader_whose_disk_is_nearly_full_hands_over()
    {
        using var nodes = new Nodes(3);
        long[] free = [500_000, 500_000, 500_000];
        for (int i = 0; i < 3; i++)
        {
            int disk = i;
            nodes.Start(
                i + 1, static o => o with { ReserveBytes = 10_000 },
                new NodeSurroundings { Space = () => new DiskSpace(1_000_000, Volatile.Read(ref free[disk])) });
        }

        nodes.Set(1, "a", "1");
        int full = nodes.Leader();
        Volatile.Write(ref free[full - 1], 1000);
        Waiting.Until(() => nodes[full].StatusOf(Nodes.Shard) is { } status && status.Role != Role.Leader, "another leader");
        int other = (full % 3) + 1;
        nodes.Set(other, "a", "2");
        Assert.Equal(RequestOutcome.NoSpace, Nodes.Propose(nodes[full], "a 3").Outcome);
        Assert.Equal("2", nodes.Get(full, "a"));
    }

    [Fact]
    public void A_peer_that_sends_a_malformed_node_frame_is_disconnected()
    {
        using var nodes = new Nodes(2);
        NodeRuntime node = nodes.Start(2);
        using (var raw = new RawPeer(node.PeerEndPoint.Port))
        {
            raw.Shake(PeerIdentity.New(PeerEnd.Cluster, new NodeId(1)), 2);
            raw.SendFrame(PeerFrameKind.Node, [0xEE, 1, 2, 3]);
            Assert.True(raw.IsClosedByOther());
        }

        Waiting.Until(() => nodes.Log.Lines.Any(static l => l.Contains("malformed", StringComparison.Ordinal)), "the line");
        nodes.Start(1);
        nodes.Set(1, "a", "1");
        Assert.Equal("1", nodes.Get(2, "a"));
        Assert.False(node.Fatal.IsCompleted);
    }

    [Fact]
    public void Counters_count()
    {
        using Nodes nodes = new Nodes(2).StartAll();
        for (int i = 0; i < 10; i++) { nodes.Set(1, "a", $"{i}"); }
        NodeCounters counters = nodes[1].Counters();
        Assert.InRange(counters.Syncs.Count, 5, long.MaxValue);
        Assert.Equal(counters.Syncs.Count, counters.Syncs.Buckets.Sum());
        Assert.True(counters.Syncs.Bytes > 0 && counters.Syncs.Longest >= counters.Syncs.Last && counters.Syncs.Last > TimeSpan.Zero);
        PeerCounters peer = Assert.Single(counters.Peers);
        Assert.True(peer.IsConnected && peer.SentFrames > 0 && peer.ReceivedFrames > 0);
    }

    [Fact]
    public void Options_are_checked_in_the_operators_words()
    {
        using var nodes = new Nodes(1);
        NodeRuntimeOptions good = nodes.Options(1);
        Assert.Empty(good.Problems());
        NodeRuntimeOptions bad = good with
        {
            DataDirectory = " ",
            JobThreads = 0,
            ReserveBytes = -1,
            MaxCommandBytes = 64 * 1024 * 1024,
            Peers = [new(new NodeId(2), "a", 1), new(new NodeId(2), "", 70000)],
            Peer = good.Peer with { IdleTimeout = TimeSpan.Zero },
        };

        string all = Assert.Throws<ArgumentException>(() => NodeRuntime.Start(bad, NoLog.Instance)).Message;
        foreach (string part in (string[])["dataDirectory", "jobThreads is 0", "reserveBytes is -1", "maxCommandBytes", "2 times", "without a host", "70000", "peer.idleTimeout"])
        {
            Assert.Contains(part, all, StringComparison.Ordinal);
        }
    }
}
