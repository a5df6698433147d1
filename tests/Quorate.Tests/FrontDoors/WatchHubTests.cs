using System.Text;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>The hub and its sessions, driven by hand: no threads, no transport.</summary>
public class WatchHubTests
{
    // Property: whatever its start, range and filters, however slowly it is read, whenever the hub is called and whatever is compacted,
    // a watch is told the changes of its range, in order, each revision whole, until it is cancelled for what was compacted.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void A_watch_is_told_what_the_model_says(int seed)
    {
        var run = new Run((ulong)seed);
        for (int step = 0; step < 1500; step++) { run.Step(); }
        run.Finish();
        Assert.True(run.EventsTold > 1000, $"only {run.EventsTold} events: the run proves too little");
        Assert.True(run.FellBehind > 0, "nobody was too slow: the run proves too little");
    }

    // Goal: the tree finds what a list would, whatever comes and goes.
    [Fact]
    public void The_set_finds_what_a_list_would()
    {
        var prng = new Prng(7);
        var set = new WatcherSet();
        var list = new List<Watcher>();
        var session = new WatchSession(new WatchHub(() => null), () => null, _ => new ResponseHeader(), () => { }, 1024, 1024);
        for (int step = 0; step < 4000; step++)
        {
            if (list.Count > 0 && prng.Below(5) < 2)
            {
                Watcher gone = list[prng.Below(list.Count)];
                list.Remove(gone);
                set.Remove(gone);
            }
            else
            {
                byte[] key = Key(prng.Below(40));
                byte[]? end = prng.Below(4) switch { 0 => null, 1 => [], _ => Key(prng.Below(40)) };
                if (end is { Length: > 0 } && key.AsSpan().SequenceCompareTo(end) >= 0) { continue; }
                var watcher = new Watcher { Session = session, Id = step, Key = key, End = end };
                list.Add(watcher);
                set.Add(watcher);
            }

            byte[] asked = Key(prng.Below(40));
            var found = new List<Watcher>();
            set.Find(asked, found);
            Assert.Equal(list.Where(w => Holds(w.Key, w.End, asked)).Select(w => w.Id).Order(), found.Select(w => w.Id).Order());
            Assert.Equal(list.Count, set.Count);
        }
    }

    private static byte[] Key(int number) => Encoding.UTF8.GetBytes($"k{number:D2}");

    private static bool Holds(byte[] start, byte[]? end, byte[] key) =>
        end is null ? start.AsSpan().SequenceEqual(key)
        : start.AsSpan().SequenceCompareTo(key) <= 0 && (end.Length == 0 || key.AsSpan().SequenceCompareTo(end) < 0);

    private sealed record Change(long Revision, string Key, string? Value, string? Before, long BeforeRevision);

    private sealed class Run
    {
        private readonly Prng _prng;
        private readonly FakeNode _node = new();
        private readonly WatchHub _hub;
        private readonly List<Change> _changes = [];
        private readonly SortedDictionary<string, (string Value, long Revision)> _state = new(StringComparer.Ordinal);
        private readonly List<Client> _clients = [];
        private long _revision = 1;
        private long _compacted = -1;
        private int _values;

        public Run(ulong seed)
        {
            _prng = new Prng(seed);
            _hub = new WatchHub(Open);
        }

        public int EventsTold => _clients.Sum(c => c.EventsTold);

        public int FellBehind => _clients.Sum(c => c.FellBehind);

        public void Step()
        {
            switch (_prng.Below(20))
            {
                case < 9: Write(); break;
                case < 12: _hub.Advance(); break;
                case < 17: Somebody()?.Read(_prng.Below(4)); break;
                case 17:
                    if (_clients.Count < 40) { _clients.Add(new Client(this)); }
                    break;
                case 18: Somebody()?.Ask(); break;
                default:
                    if (_prng.Chance(1, 12) && _revision > 40)
                    {
                        long revision = _prng.Between(Math.Max(1, _compacted + 1), _revision);
                        Propose(new KvCommand.Compact(revision, false));
                        _compacted = Math.Max(_compacted, revision);
                        if (_prng.Chance(1, 2)) { _node.CompactAll(); }
                    }

                    break;
            }
        }

        public void Finish()
        {
            _hub.Advance();
            foreach (Client client in _clients) { client.Finish(); }
            Assert.Equal(0, _node.OpenViews);
        }

        private Client? Somebody() => _clients.Count == 0 ? null : _clients[_prng.Below(_clients.Count)];

        private IReadView? Open() => _node.ReadAsync(FakeNode.Shard, ReadLevel.Local).AsTask().GetAwaiter().GetResult().View;

        private void Write()
        {
            int number = _prng.Below(12);
            switch (_prng.Below(6))
            {
                case 0:
                    int end = number + _prng.Below(4);
                    Propose(new KvCommand.DeleteRange(Key(number), Key(end)));
                    Apply([.. _state.Keys.Where(k => Holds(Key(number), Key(end), Encoding.UTF8.GetBytes(k))).Select(k => (k, (string?)null))]);
                    break;
                case 1:
                    string[] values = [NewValue(), NewValue()];
                    Propose(new KvCommand.Txn(
                        [], [new KvCommand.Put(Key(number), Encoding.UTF8.GetBytes(values[0])), new KvCommand.Put(Key(number + 1), Encoding.UTF8.GetBytes(values[1]))],
                        []));
                    Apply([(Name(number), values[0]), (Name(number + 1), values[1])]);
                    break;
                default:
                    string value = NewValue();
                    Propose(new KvCommand.Put(Key(number), Encoding.UTF8.GetBytes(value)));
                    Apply([(Name(number), value)]);
                    break;
            }
        }

        private string NewValue() => $"{++_values}{new string('.', _prng.Below(60))}";

        private static string Name(int number) => $"k{number:D2}";

        private void Propose(KvCommand command)
        {
            var bytes = new ByteWriter();
            command.Encode(bytes);
            Assert.Equal(
                RequestOutcome.Done, _node.ProposeAsync(FakeNode.Shard, bytes.ToArray()).AsTask().GetAwaiter().GetResult().Outcome);
        }

        private void Apply((string Key, string? Value)[] writes)
        {
            if (writes.Length == 0) { return; }
            _revision++;
            foreach ((string key, string? value) in writes)
            {
                bool existed = _state.TryGetValue(key, out (string Value, long Revision) before);
                _changes.Add(new Change(_revision, key, value, existed ? before.Value : null, existed ? before.Revision : 0));
                if (value is null) { _state.Remove(key); }
                else { _state[key] = (value, _revision); }
            }
        }

        // One stream with up to three watches.
        private sealed class Client
        {
            private readonly Run _run;
            private readonly WatchSession _session;
            private readonly Dictionary<long, Expectation> _watches = [];
            private long _ids;

            public Client(Run run)
            {
                _run = run;
                _session = new WatchSession(
                    run._hub, run.Open, revision => new ResponseHeader { Revision = revision }, () => { },
                    fragmentBytes: 200, mostQueuedBytes: 300);
                for (int i = 1 + run._prng.Below(3); i > 0; i--) { Create(); }
            }

            public int EventsTold { get; private set; }

            public int FellBehind { get; private set; }

            public void Ask()
            {
                if (_run._prng.Chance(1, 3)) { _session.Take(new WatchRequest { ProgressRequest = new() }); }
                else if (_run._prng.Chance(1, 2) && _watches.Count > 0)
                {
                    long id = _watches.Keys.First();
                    _session.Take(new WatchRequest { CancelRequest = new() { WatchId = id } });
                    _watches[id].IsCancelling = true;
                }
                else { Create(); }
            }

            public void Read(int most)
            {
                if (_session.Watchers.Any(w => w.Home is null)) { FellBehind++; }
                _session.CatchUp();
                while (most-- > 0 && _session.TryTake(out EncodedWatchResponse response))
                {
                    Take(WatchResponse.Parser.ParseFrom(response.ToByteString()));
                }
            }

            public void Finish()
            {
                bool hasMore = true;
                while (hasMore)
                {
                    hasMore = _session.CatchUp();
                    while (_session.TryTake(out EncodedWatchResponse response))
                    {
                        Take(WatchResponse.Parser.ParseFrom(response.ToByteString()));
                        hasMore = true;
                    }
                }

                Assert.All(_watches.Values, watch => watch.AssertToldUpTo(_run._revision));
                _session.Close();
            }

            private void Create()
            {
                Prng prng = _run._prng;
                int from = prng.Below(12);
                var request = new WatchCreateRequest
                {
                    Key = ByteString.CopyFrom(Key(from)),
                    RangeEnd = prng.Below(3) switch
                    {
                        0 => ByteString.Empty,
                        1 => ByteString.CopyFromUtf8("\0"),
                        _ => ByteString.CopyFrom(Key(from + 1 + prng.Below(4))),
                    },
                    StartRevision = prng.Below(3) switch
                    {
                        0 => 0,
                        1 => prng.Between(1, _run._revision),
                        _ => prng.Between(_run._revision, _run._revision + 5),
                    },
                    PrevKv = prng.Chance(1, 2),
                    Fragment = prng.Chance(1, 3),
                };
                if (prng.Chance(1, 4)) { request.Filters.Add(WatchCreateRequest.Types.FilterType.Noput); }
                if (prng.Chance(1, 4)) { request.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete); }
                _watches.Add(_ids++, new Expectation(_run, request));
                _session.Take(new WatchRequest { CreateRequest = request });
            }

            private void Take(WatchResponse response)
            {
                if (response.WatchId == WatchSession.AllWatches)
                {
                    foreach (Expectation one in _watches.Values) { one.AssertToldUpTo(response.Header.Revision); }
                    return;
                }

                Expectation watch = _watches[response.WatchId];
                EventsTold += response.Events.Count;
                if (response.Created) { watch.Created(response.Header.Revision); }
                else if (response.Canceled)
                {
                    watch.AssertMayEnd(response);
                    _watches.Remove(response.WatchId);
                }
                else { watch.Take(response); }
            }
        }

        private sealed class Expectation(Run run, WatchCreateRequest request)
        {
            private readonly byte[] _key = request.Key.ToByteArray();
            private readonly byte[]? _end = request.RangeEnd.IsEmpty ? null : request.RangeEnd.Span is [0] ? [] : request.RangeEnd.ToByteArray();
            private long _next = request.StartRevision;
            private int _at;
            private bool _isCreated;
            private bool _isWithin;

            public bool IsCancelling { get; set; }

            public void Created(long revision)
            {
                Assert.False(_isCreated);
                _isCreated = true;
                if (_next == 0) { _next = revision + 1; }
            }

            public void Take(WatchResponse response)
            {
                Assert.True(_isCreated);
                Assert.NotEmpty(response.Events);
                foreach (Event e in response.Events)
                {
                    Change change = Due() ?? throw new InvalidOperationException($"told {e}, and there was nothing to tell");
                    string prev = e.PrevKv is null ? "" : $"{e.PrevKv.ModRevision} {e.PrevKv.Value.ToStringUtf8()}";
                    string expected = request.PrevKv && change.Before is not null ? $"{change.BeforeRevision} {change.Before}" : "";
                    Assert.Equal((change.Revision, change.Key, change.Value ?? ""), (e.Kv.ModRevision, e.Kv.Key.ToStringUtf8(), e.Kv.Value.ToStringUtf8()));
                    Assert.Equal(change.Value is null ? Event.Types.EventType.Delete : Event.Types.EventType.Put, e.Type);

                    // Absent if what was before is compacted: since when, the watch cannot know.
                    if (prev.Length > 0 || change.Revision - 1 >= run._compacted) { Assert.Equal(expected, prev); }
                    _at++;
                }

                _isWithin = response.Fragment;
                if (!_isWithin)
                {
                    long last = response.Events[^1].Kv.ModRevision;
                    Assert.True(response.Header.Revision >= last, "the header is behind its events");
                    Assert.True(Due() is not { } next || next.Revision > response.Header.Revision, $"the header, {response.Header.Revision}, is ahead of {Due()}");
                }
            }

            public void AssertToldUpTo(long revision)
            {
                Assert.False(_isWithin);

                // A watch that was created after the notice was asked for has nothing to do with it.
                if (_isCreated && !IsCancelling) { Assert.True(Due() is not { } next || next.Revision > revision, $"not told by {revision}: {Due()}"); }
            }

            public void AssertMayEnd(WatchResponse response)
            {
                Assert.Equal("", response.CancelReason);
                if (response.CompactRevision == 0)
                {
                    Assert.True(IsCancelling);
                    return;
                }

                Assert.InRange(response.CompactRevision, 1, run._compacted);
                Assert.True(_next < response.CompactRevision, "cancelled without need");
            }

            // The next change that it should be told.
            private Change? Due()
            {
                for (; _at < run._changes.Count; _at++)
                {
                    Change change = run._changes[_at];
                    bool isFiltered = request.Filters.Contains(change.Value is null
                        ? WatchCreateRequest.Types.FilterType.Nodelete
                        : WatchCreateRequest.Types.FilterType.Noput);
                    if (change.Revision >= _next && !isFiltered && Holds(_key, _end, Encoding.UTF8.GetBytes(change.Key))) { return change; }
                }

                return null;
            }
        }
    }
}
