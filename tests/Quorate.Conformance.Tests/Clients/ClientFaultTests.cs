using System.Collections.Concurrent;
using System.Globalization;
using Quorate.Client;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Quorate.Client while connections are cut and leaders killed, on our servers and on etcd's.</summary>
public sealed class ClientFaultTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // Goal: a plain write whose answer is lost is told as unknown and sent once; a session's is sent again, happens once, and tells its first result.
    // Method: a proxy passes the request and holds back the answer; once the write is seen by another way, the connection is cut.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task A_write_whose_answer_is_lost_happens_once(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using var proxy = new CuttingProxy(cluster.Servers[0].ClientPort);
        using QuorateClient direct = cluster.Client();
        using var client = new QuorateClient(proxy.Endpoint);
        await client.Kv.PutAsync("warm", "up");

        proxy.HoldAnswers();
        Task<PutResult> put = client.Kv.PutAsync("plain", "1");
        await SeenAsync(direct, "plain");
        proxy.Cut();
        OutcomeUnknownException unknown = await Assert.ThrowsAsync<OutcomeUnknownException>(() => put);
        Assert.Equal(Outcome.Unknown, unknown.Outcome);
        Assert.Equal(1, (await client.Kv.GetAsync("plain"))!.Version);

        await using WriteSession session = await client.OpenWriteSessionAsync();
        Txn count = Txn.If(Compare.Missing("counted")).Then(Op.Put("counted", "1")).Else(Op.Put("twice", "!"));
        proxy.HoldAnswers();
        Task<SessionResult> commit = session.CommitAsync(count);
        KeyValue applied = await SeenAsync(direct, "counted");
        proxy.Cut();
        SessionResult result = await commit;
        Assert.Equal(new SessionResult(applied.ModRevision, Succeeded: true, Results: null), result);
        Assert.Equal(1, (await client.Kv.GetAsync("counted"))!.Version);
        Assert.Null(await client.Kv.GetAsync("twice"));

        // And the session goes on.
        SessionResult next = await session.CommitAsync(count.Else(Op.Delete("plain")));
        Assert.False(next.Succeeded);
        Assert.Equal(1, next.Results![1].Delete!.Deleted);
    }

    // Goal: a session whose key is gone writes nothing more; if its write was under way when the key went, it does not guess whether it happened.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task A_session_without_its_key_does_not_guess(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using QuorateClient client = cluster.Client();
        await using WriteSession session = await client.OpenWriteSessionAsync("s/");
        await session.PutAsync("k", "1");
        await client.Kv.DeleteAsync(KeyRange.Prefix("s/"));
        await Assert.ThrowsAsync<LeaseLostException>(() => session.PutAsync("k", "2"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => session.PutAsync("k", "2"));
        Assert.Equal("1", (await client.Kv.GetAsync("k"))!.Value.ToString());

        using var proxy = new CuttingProxy(cluster.Servers[0].ClientPort);
        using var cutOff = new QuorateClient(proxy.Endpoint);
        await using WriteSession doubtful = await cutOff.OpenWriteSessionAsync("s/");
        proxy.HoldAnswers();
        Task<SessionResult> put = doubtful.PutAsync("doubtful", "1");
        await SeenAsync(client, "doubtful");
        await client.Kv.DeleteAsync(KeyRange.Prefix("s/"));
        proxy.Cut();
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => put);
        Assert.Equal(1, (await client.Kv.GetAsync("doubtful"))!.Version);
    }

    // Goal: kill -9 of the leader, three times, while writes, a watch and a lock go on: the watch tells every change once, in order, acknowledged
    // writes among them; the lock is neither lost nor given to another. In the end the watch is compared with one that reads all of history at once.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task Leaders_die_and_no_event_is_lost_or_doubled(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 3);
        await cluster.FindLeaderAsync();
        using QuorateClient client = cluster.Client();
        using var stop = new CancellationTokenSource(Patience);

        var begun = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<List<string>> watching = FollowAsync(client, KeyRange.Prefix("w/"), new WatchOptions { Announce = true }, begun, stop.Token);
        long now = await begun.Task;
        await using LockHandle held = await client.LockAsync("the-lock", TimeSpan.FromSeconds(30), stop.Token);
        Task<LockHandle> waiting = client.LockAsync("the-lock", TimeSpan.FromSeconds(30), stop.Token);

        var acknowledged = new ConcurrentDictionary<string, long>();
        using var enough = new CancellationTokenSource();
        Task[] writers = [.. Enumerable.Range(0, 3).Select(writer => WriteAsync(client, writer, acknowledged, enough.Token))];
        for (int round = 0; round < 3; round++)
        {
            await Task.Delay(300, stop.Token);
            ServerProcess leader = await cluster.FindLeaderAsync();
            leader.Kill();
            await client.Kv.WithTimeout(TimeSpan.FromSeconds(30)).GetAsync("anything", null, stop.Token);
            leader.Start();
            leader.WaitUntilReady();
        }

        await Task.Delay(300, stop.Token);
        await enough.CancelAsync();
        await Task.WhenAll(writers);

        // Held all the while, and fenced: only its holder may write.
        Assert.False(held.Lost.IsCancellationRequested);
        Assert.False(waiting.IsCompleted);
        Assert.True((await client.Kv.CommitAsync(Txn.If(held.StillHeld).Then(Op.Put("fenced", "1")), stop.Token)).Succeeded);
        await held.DisposeAsync();
        await using (LockHandle next = await waiting)
        {
            Assert.True(next.FencingToken > held.FencingToken);
            Assert.False((await client.Kv.CommitAsync(Txn.If(held.StillHeld).Then(Op.Put("fenced", "late")), stop.Token)).Succeeded);
        }

        await client.Kv.WithTimeout(TimeSpan.FromSeconds(30)).PutAsync("w/end", "", null, stop.Token);
        List<string> seen = await watching;
        List<string> history = await FollowAsync(client, KeyRange.Prefix("w/"), new WatchOptions { StartRevision = now + 1 }, new(), stop.Token);
        Assert.Equal(history, seen);
        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.DoesNotContain(acknowledged, write => !seen.Contains($"{write.Value} {write.Key}"));
        Assert.True(acknowledged.Count >= 100, $"only {acknowledged.Count} writes: the run proves too little");
    }

    // Goal: the token fires while the server still has the lease. Method: all connections are cut for good; when the token fires, the key is still there.
    [Theory]
    [InlineData(Members.Ours)]
    [InlineData(Members.Etcds)]
    public async Task A_lock_is_known_to_be_lost_before_it_is(string kind)
    {
        using ClusterProcesses cluster = Members.Start(kind, 1);
        using var proxy = new CuttingProxy(cluster.Servers[0].ClientPort);
        using QuorateClient direct = cluster.Client();
        using var client = new QuorateClient(proxy.Endpoint);
        LockHandle held = await client.LockAsync("L", TimeSpan.FromSeconds(10));
        Task<LockHandle> next = direct.LockAsync("L", TimeSpan.FromSeconds(10));
        proxy.Refuse();

        var lost = new TaskCompletionSource();
        using CancellationTokenRegistration registration = held.Lost.Register(lost.SetResult);
        await lost.Task.WaitAsync(Patience);
        Assert.NotNull(await direct.Kv.GetAsync(held.Key));
        Assert.False(held.IsHeld);
        await using LockHandle second = await next.WaitAsync(Patience);
        Assert.True(second.FencingToken > held.FencingToken);
        await held.DisposeAsync(); // Nobody can be reached: it does not throw.
    }

    private static async Task<KeyValue> SeenAsync(QuorateClient client, string key)
    {
        for (int i = 0; ; i++)
        {
            if (await client.Kv.GetAsync(key) is { } found) { return found; }
            Assert.True(i < 3000, $"{key} was never put");
            await Task.Delay(10);
        }
    }

    // Each put has a key of its own, so a change that comes twice would be the same line twice.
    private static async Task WriteAsync(QuorateClient client, int writer, ConcurrentDictionary<string, long> acknowledged, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"w/{writer}/{i}");
            try
            {
                acknowledged[key] = (await client.Kv.PutAsync(key, "x", null, CancellationToken.None)).Revision;
            }
            catch (QuorateException)
            {
                // Nothing happened, or nobody knows: the watch will tell.
            }

            await Task.Delay(2, CancellationToken.None);
        }
    }

    // "REVISION KEY" of each event, until w/end.
    private static async Task<List<string>> FollowAsync(
        QuorateClient client, KeyRange keys, WatchOptions options, TaskCompletionSource<long> begun, CancellationToken stop)
    {
        var seen = new List<string>();
        long last = 0;
        await foreach (WatchBatch batch in client.WatchAsync(keys, options, stop))
        {
            begun.TrySetResult(batch.Revision);
            foreach (WatchEvent change in batch.Events)
            {
                Assert.True(change.Item.ModRevision >= last, $"{change.Item.ModRevision} came after {last}");
                last = change.Item.ModRevision;
                seen.Add(string.Create(CultureInfo.InvariantCulture, $"{last} {change.Item.Key}"));
                if (change.Item.Key == "w/end") { return seen; }
            }
        }

        return seen;
    }
}
