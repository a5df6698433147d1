using Quorate.Node.Files;
using Quorate.Node.Loop;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class InboxTests
{
    private static readonly InboxItem Request = new(InboxKind.Proposal, "request");
    private static readonly InboxItem Other = new(InboxKind.Disconnected);

    [Fact]
    public void Requests_beyond_the_count_are_refused_until_the_loop_has_taken_some_and_the_rest_never_is()
    {
        var inbox = new Inbox(maxRequests: 2, maxRequestBytes: 1_000_000);
        Assert.Null(inbox.PostRequest(Request, 10, out _));
        Assert.Null(inbox.PostRequest(Request, 10, out _));
        Assert.Equal(RequestOutcome.TooBusy, inbox.PostRequest(Request, 10, out _));
        for (int i = 0; i < 1000; i++) { Assert.True(inbox.Post(Other)); }
        Assert.Equal(1002, inbox.Take(0).Length);
        Assert.Null(inbox.PostRequest(Request, 10, out _));
        Assert.Equal(1, inbox.Take(0).Length);
        Assert.Equal(0, inbox.Take(0).Length);
    }

    [Fact]
    public void Requests_beyond_the_bytes_are_refused_but_a_large_one_alone_is_not()
    {
        var inbox = new Inbox(maxRequests: 100, maxRequestBytes: 2000);
        Assert.Null(inbox.PostRequest(Request, 50_000, out _));
        Assert.Equal(RequestOutcome.TooBusy, inbox.PostRequest(Request, 1, out _));
        Assert.Equal((1, 50_256L), inbox.Waiting);
        inbox.Take(0);
        Assert.Null(inbox.PostRequest(Request, 1000, out _));
        Assert.Null(inbox.PostRequest(Request, 100, out _));
        Assert.Equal(RequestOutcome.TooBusy, inbox.PostRequest(Request, 1000, out _));
    }

    [Fact]
    public void A_closed_inbox_refuses_everything_and_still_gives_what_it_has()
    {
        var inbox = new Inbox(10, 10_000);
        Assert.True(inbox.Post(Other));
        inbox.Close();
        Assert.Equal(RequestOutcome.Stopping, inbox.PostRequest(Request, 1, out _));
        Assert.False(inbox.Post(Other));
        Assert.Equal(1, inbox.Take(timeoutMilliseconds: 60_000).Length);
        Assert.Equal(0, inbox.Take(timeoutMilliseconds: 60_000).Length);
    }

    [Fact]
    public void What_many_threads_post_arrives_once_and_in_the_order_of_each()
    {
        var inbox = new Inbox(int.MaxValue, long.MaxValue);
        const int Each = 20_000;
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(t => new Thread(() =>
        {
            for (int i = 0; i < Each; i++) { inbox.Post(new InboxItem(InboxKind.Disconnected, Peer: new((ulong)t), Bytes: new byte[i % 7], Subject: i)); }
        }))];
        Array.ForEach(threads, static thread => thread.Start());

        int[] next = new int[3];
        while (next.Sum() < 3 * Each)
        {
            foreach (ref readonly InboxItem item in inbox.Take(1000))
            {
                Assert.Equal(next[item.Peer.Value]++, item.Subject);
            }
        }

        Array.ForEach(threads, static thread => thread.Join());
        Assert.Equal(0, inbox.Take(0).Length);
    }

    [Fact]
    public void The_space_watch_goes_back_only_with_a_quarter_more_than_the_reserve()
    {
        long free = 2000;
        var changes = new List<bool>();
        using var watch = new SpaceWatch(1000, () => new DiskSpace(100_000, free), new RecordingLog(), changes.Add);
        void See(long bytes)
        {
            free = bytes;
            watch.Look();
        }

        See(1000);
        See(999);
        See(1100);
        See(1249);
        See(500);
        Assert.Equal([true], changes);
        See(1250);
        See(1000);
        Assert.Equal([true, false], changes);
    }

    [Fact]
    public void On_a_small_disk_the_reserve_is_a_tenth_of_it()
    {
        using var watch = new SpaceWatch(1_000_000, static () => new DiskSpace(5000, 501), new RecordingLog(), static _ => { });
        watch.Look();
        Assert.False(watch.IsNearlyFull);
        Assert.Equal(501, watch.FreeBytes);
    }

    // Goal: whoever brings work to a sleeping loop does it in its place, alone, and leaves the loop asleep if nothing is left.
    [Fact]
    public void A_sleeping_loop_is_helped_by_one_at_a_time()
    {
        var inbox = new Inbox(100, 100_000);
        int taken = -1;
        using var started = new ManualResetEventSlim();
        var loop = new Thread(() =>
        {
            started.Set();
            taken = inbox.Take(60_000).Length;
        });
        loop.Start();
        started.Wait();
        bool helps = false;
        for (int i = 0; !helps && i < 10_000; i++)
        {
            // Until the loop sleeps, nobody helps, and what is posted wakes it: so nothing is posted before.
            Thread.Sleep(1);
            if (loop.ThreadState.HasFlag(ThreadState.WaitSleepJoin)) { Assert.Null(inbox.PostRequest(Request, 1, out helps)); }
        }

        Assert.True(helps);
        Assert.Null(inbox.PostRequest(Request, 1, out bool second));
        Assert.False(second);
        Assert.Equal(2, inbox.TakeToHelp().Length);
        inbox.EndHelp(hasMore: false);
        Assert.Equal(-1, taken);

        Assert.Null(inbox.PostRequest(Request, 1, out bool third));
        Assert.True(third);
        Assert.Null(inbox.PostRequest(Request, 1, out _));
        inbox.EndHelp(hasMore: false); // Without having taken what waits: that is the loop's now.
        Assert.True(loop.Join(TimeSpan.FromSeconds(30)));
        Assert.Equal(2, taken);
    }
}
