using System.Text;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>Single cases of the hub and its sessions that went wrong, or would be missed by a run at random.</summary>
public class WatchHubCaseTests
{
    // Goal: a watcher that comes in while the hub loses its last one is announced: else the node's loop would wake nobody for it.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_watcher_that_comes_as_the_last_one_falls_behind_is_known_of(bool fromThePast)
    {
        var world = new World();
        WatchSession slow = world.Open(mostQueuedBytes: 1);
        Watch(slow, "a");
        world.Put("a");
        world.Hub.Advance();
        WatchSession other = world.Open();
        if (fromThePast) { Watch(other, "b", start: 1); }
        world.Put("a"); // What the hub finds when the other comes: the first one's queue is full.
        if (!fromThePast) { Watch(other, "b"); }
        other.CatchUp();
        Assert.True(slow.IsBehind);
        Assert.True(world.Hub.HasWatchers);
        world.Put("b");
        world.Hub.Advance();
        Assert.Equal(["created", "b@4"], Read(other));
    }

    // Goal: what cannot be read costs those that need it: the hub goes on, and who can read later misses nothing.
    [Fact]
    public void A_block_that_cannot_be_read_does_not_stop_the_hub()
    {
        var world = new World();
        WatchSession first = world.Open();
        WatchSession second = world.Open();
        Watch(first, "a");
        Watch(second, "a");
        world.Put("a");
        world.IsBroken = true;
        world.Hub.Advance();
        Assert.Throws<DiskException>(() => first.CatchUp());
        first.Close();

        world.IsBroken = false;
        WatchSession third = world.Open();
        Watch(third, "a");
        world.Put("a");
        world.Hub.Advance();
        Assert.Equal(["created", "a@3"], Read(third));
        Assert.Equal(["created", "a@2", "a@3"], Read(second));
    }

    // Goal: a bug in a pass is reported, and leaves no watcher that is silent for ever.
    [Fact]
    public void A_pass_that_fails_otherwise_is_reported_and_nothing_is_lost()
    {
        var world = new World();
        WatchSession session = world.Open();
        Watch(session, "a");
        world.Put("a");
        world.Failure = new InvariantException("planted");
        world.IsBroken = true;
        Assert.Throws<InvariantException>(world.Hub.Advance);
        world.IsBroken = false;
        world.Hub.Advance();
        world.Put("a");
        world.Hub.Advance();
        Assert.Equal(["created", "a@2", "a@3"], Read(session));
    }

    // Goal: a compaction that comes with the writes before it takes nothing from a watch that had been told all so far (as in etcd).
    [Fact]
    public void A_watch_that_is_up_to_date_does_not_notice_a_compaction()
    {
        var world = new World();
        WatchSession session = world.Open();
        WatchSession full = world.Open(mostQueuedBytes: 1);
        Watch(session, "a");
        Watch(full, "a");
        world.Put("a");
        world.Hub.Advance();
        world.Put("a");
        world.Put("a");
        world.Compact(4);
        world.Hub.Advance();
        Assert.Equal(["created", "a@2", "a@3", "a@4"], Read(session));
        Assert.Equal(["created", "a@2", "a@3", "a@4"], Read(full));

        // A new one is refused what is compacted, whether it is there or not.
        Watch(session, "a", start: 3);
        Assert.Equal(["created", "compacted 4"], Read(session));
    }

    // Goal: what is really gone ends the watch.
    [Fact]
    public void A_watch_whose_changes_are_gone_ends()
    {
        var world = new World();
        WatchSession session = world.Open();
        Watch(session, "a");
        world.Put("a");
        world.Put("a");
        world.Compact(3);
        world.Node.CompactAll();
        world.Hub.Advance();
        Assert.Equal(["created", "compacted 3"], Read(session));
    }

    // Goal: a question for progress waits for what is behind without holding up what is asked after it, and is answered once.
    [Fact]
    public void A_question_for_progress_is_answered_when_all_is_told()
    {
        var world = new World();
        WatchSession session = world.Open();
        for (int i = 0; i < 3; i++) { world.Put("a"); }
        Watch(session, "a", start: 2);
        session.Take(new WatchRequest { ProgressRequest = new() });
        session.Take(new WatchRequest { CreateRequest = new() { Key = ByteString.CopyFromUtf8("b") } });
        Assert.Equal(["created", "created", "a@2", "a@3", "a@4", "progress 4"], Read(session));
        Assert.Empty(Read(session));
    }

    // Goal: a stream that is not read keeps one notice of progress; the next one is given when that was taken.
    [Fact]
    public void One_notice_of_progress_waits_at_a_time()
    {
        var world = new World();
        WatchSession session = world.Open();
        Watch(session, "a");
        for (int i = 0; i < 5; i++)
        {
            session.Take(new WatchRequest { ProgressRequest = new() });
            session.CatchUp();
            world.Put("b");
        }

        Assert.Equal(["created", "progress 1", "progress 6"], Read(session));
    }

    // Goal: a watch that starts later has made no progress yet.
    [Fact]
    public void No_progress_is_told_before_the_start()
    {
        var world = new World();
        WatchSession session = world.Open();
        session.Take(new WatchRequest
        {
            CreateRequest = new() { Key = ByteString.CopyFromUtf8("a"), StartRevision = 2, ProgressNotify = true },
        });
        session.Take(new WatchRequest { ProgressRequest = new() });
        session.CatchUp();
        world.Hub.TellProgress();
        Assert.Equal(["created"], Read(session));
        world.Put("b");
        world.Hub.TellProgress();
        Assert.Equal(["progress 2", "progress 2"], Read(session));
    }

    // Goal: a notice of progress never overtakes what a stream that is not read has yet to be told.
    [Fact]
    public void Progress_does_not_overtake_what_is_behind()
    {
        var world = new World();
        WatchSession session = world.Open(mostQueuedBytes: 1);
        Watch(session, "a");
        for (int i = 0; i < 2; i++)
        {
            world.Put("a");
            world.Hub.Advance();
        }

        session.Take(new WatchRequest { ProgressRequest = new() });
        session.CatchUp();
        Assert.True(session.IsBehind);
        Assert.Equal(["created", "a@2", "a@3", "progress 3"], Read(session));
    }

    // Goal: what happens between the last look of a watch that catches up and its return to the hub is told, once.
    [Fact]
    public void Nothing_falls_between_a_session_and_the_hub()
    {
        var world = new World();
        world.Put("a");
        WatchSession session = world.Open();
        Watch(session, "a", start: 1);
        int reads = 0;
        world.Node.BeforeRead = () =>
        {
            if (++reads == 2) { world.Put("a"); }
        };
        Assert.False(session.CatchUp());
        Assert.Equal(2, reads);
        world.Put("a");
        world.Hub.Advance();
        Assert.Equal(["created", "a@2", "a@3", "a@4"], Read(session));
    }

    private static void Watch(WatchSession session, string key, long start = 0) =>
        session.Take(new WatchRequest { CreateRequest = new() { Key = ByteString.CopyFromUtf8(key), StartRevision = start } });

    private static List<string> Read(WatchSession session)
    {
        var told = new List<string>();
        bool hasMore = true;
        while (hasMore)
        {
            hasMore = session.CatchUp();
            while (session.TryTake(out EncodedWatchResponse encoded))
            {
                hasMore = true;
                WatchResponse response = WatchResponse.Parser.ParseFrom(encoded.ToByteString());
                if (response.Created) { told.Add("created"); }
                else if (response.Canceled) { told.Add($"compacted {response.CompactRevision}"); }
                else if (response.Events.Count == 0) { told.Add($"progress {response.Header.Revision}"); }
                told.AddRange(response.Events.Select(e => $"{e.Kv.Key.ToStringUtf8()}@{e.Kv.ModRevision}"));
            }
        }

        return told;
    }

    private sealed class World
    {
        public World() => Hub = new WatchHub(OpenView);

        public FakeNode Node { get; } = new();

        public WatchHub Hub { get; }

        /// <summary>Views cannot be walked: <see cref="Failure"/>.</summary>
        public bool IsBroken { get; set; }

        public Exception Failure { get; set; } = new DiskException(DiskFault.Failed, "read", "a table", "planted");

        public WatchSession Open(long mostQueuedBytes = 1000) => new(
            Hub, OpenView, revision => new ResponseHeader { Revision = revision }, () => { }, fragmentBytes: 1000, mostQueuedBytes);

        public void Put(string key) => Propose(new KvCommand.Put(Encoding.UTF8.GetBytes(key), "some value"u8.ToArray()));

        public void Compact(long revision) => Propose(new KvCommand.Compact(revision, false));

        private void Propose(KvCommand command)
        {
            var bytes = new ByteWriter();
            command.Encode(bytes);
            Assert.Equal(
                RequestOutcome.Done, Node.ProposeAsync(FakeNode.Shard, bytes.ToArray()).AsTask().GetAwaiter().GetResult().Outcome);
        }

        private BreakableView OpenView() =>
            new(Node.ReadAsync(FakeNode.Shard, ReadLevel.Local).AsTask().GetAwaiter().GetResult().View!, IsBroken ? Failure : null);
    }

    private sealed class BreakableView(IReadView inner, Exception? failure) : IReadView
    {
        public LogIndex AppliedIndex => inner.AppliedIndex;

        public IStoreReader Flushed => inner.Flushed;

        public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => inner.TryGet(key, out value);

        public bool TryGetFirst(
            ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
            inner.TryGetFirst(prefix, from, out key, out value);

        public ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper) =>
            failure is null ? inner.OpenCursor(lower, upper) : throw failure;

        public void Dispose() => inner.Dispose();
    }
}
