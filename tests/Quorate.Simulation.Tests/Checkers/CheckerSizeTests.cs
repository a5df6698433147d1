// Goal: the checkers that need no search manage 100,000 operations over 100 keys, and at that size still see one wrong answer.
using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class CheckerSizeTests
{
    private const int Keys = 100;
    private const int OperationsOfKey = 1_000;
    private readonly Simulation.Checkers.History _history = new();
    private readonly Prng _random = new(5);
    private int _processes;

    // Each operation may overlap the next one; one add in fifty is never answered, one operation in a hundred reads.
    [Fact]
    public void Sets()
    {
        for (int key = 0; key < Keys; key++)
        {
            var set = new List<int>();
            for (int i = 0; i < OperationsOfKey; i++)
            {
                bool isRead = i % 100 == 99;
                bool isLost = !isRead && _random.Chance(1, 50);
                if (!isRead && (!isLost || _random.Chance(1, 2))) { set.Add(i); }
                Ask(isRead ? "read" : "add", key, i * 10, isRead ? null : i);
                if (!isLost) { Hear(isRead ? "read" : "add", key, (i * 10) + 15, isRead ? ListOf(set) : null); }
            }
        }

        MustBeLegal("set");
        Ask("read", 57, 20_000);
        Hear("read", 57, 20_001, new JsonArray());
        Assert.Equal("lost add", Assert.Single(Models.Find("set")!.Check(_history, new()).Violations).Rule);
    }

    // One holder after the other: it acquires, uses and releases, while another is refused; some releases are never answered.
    [Fact]
    public void Locks()
    {
        for (int key = 0; key < Keys; key++)
        {
            for (int i = 0; i < OperationsOfKey / 4; i++)
            {
                int time = i * 40;
                int holder = Ask("acquire", key, time, more: ("ttl", 100));
                Hear("acquire", key, time + 5, more: ("token", i));
                Ask("acquire", key, time + 2, more: ("ttl", 100));
                Hear("acquire", key, time + 20, type: HistoryEventType.Fail);
                Ask("use", key, time + 6, more: ("token", i));
                Hear("use", key, time + 30);
                _history.Add(HistoryEvent.Create(holder, HistoryEventType.Invoke, "release", time + 35, $"k{key}"));
                if (!_random.Chance(1, 50)) { _history.Add(HistoryEvent.Create(holder, HistoryEventType.Ok, "release", time + 45, $"k{key}")); }
            }
        }

        MustBeLegal("lock");
        Ask("use", 57, 20_000, more: ("token", 200));
        Hear("use", 57, 20_001);
        Assert.Equal("old token accepted", Assert.Single(Models.Find("lock")!.Check(_history, new()).Violations).Rule);
    }

    // Two consumers follow the senders, and now and then somebody reads all; one send in fifty is never answered.
    [Fact]
    public void Logs()
    {
        for (int key = 0; key < Keys; key++)
        {
            var log = new List<(int Offset, int Value)>();
            int[] read = new int[2];
            int[] consumers = [_processes++, _processes++];
            for (int i = 0; i < OperationsOfKey; i++)
            {
                int time = i * 10;
                if (i % 250 == 249)
                {
                    Ask("drain", key, time);
                    Hear("drain", key, time + 5, more: ("records", ListOf(log)));
                }
                else if (i % 3 == 0)
                {
                    int one = _random.Below(2);
                    (int, int)[] next = [.. log.Skip(read[one]).Take(_random.Below(8))];
                    read[one] += next.Length;
                    _history.Add(HistoryEvent.Create(consumers[one], HistoryEventType.Invoke, "poll", time, $"k{key}"));
                    _history.Add(HistoryEvent.Create(consumers[one], HistoryEventType.Ok, "poll", time + 5, $"k{key}", more: ("records", ListOf(next))));
                }
                else
                {
                    bool isLost = _random.Chance(1, 50);
                    if (!isLost || _random.Chance(1, 2)) { log.Add((i, i)); }
                    Ask("send", key, time, i);
                    if (!isLost) { Hear("send", key, time + 15, more: ("offset", i)); }
                }
            }
        }

        MustBeLegal("log");
        Ask("drain", 57, 20_000);
        Hear("drain", 57, 20_001, more: ("records", new JsonArray()));
        Assert.Equal("lost record", Assert.Single(Models.Find("log")!.Check(_history, new()).Violations).Rule);
    }

    // Leases that are renewed and looked at all the time; some renewals are never answered.
    [Fact]
    public void Leases()
    {
        for (int key = 0; key < Keys; key++)
        {
            Ask("grant", key, 0, more: ("least", 100));
            Hear("grant", key, 1);
            Ask("attach", key, 2);
            Hear("attach", key, 3, 3);
            for (int i = 2; i < OperationsOfKey; i++)
            {
                bool isLook = i % 3 == 0;
                Ask(isLook ? "look" : "renew", key, i * 10);
                if (isLook || !_random.Chance(1, 50)) { Hear(isLook ? "look" : "renew", key, (i * 10) + 5, isLook ? 3 : 1); }
            }
        }

        MustBeLegal("lease");
        Ask("look", 57, OperationsOfKey * 10);
        Hear("look", 57, (OperationsOfKey * 10) + 1, 0);
        Assert.Equal("ended early", Assert.Single(Models.Find("lease")!.Check(_history, new()).Violations).Rule);
    }

    private static JsonArray ListOf(IEnumerable<int> values) => new([.. values.Select(v => JsonValue.Create(v))]);

    private static JsonArray ListOf(IEnumerable<(int Offset, int Value)> records) => new([.. records.Select(r => new JsonArray(r.Offset, r.Value))]);

    // By a client of its own.
    private int Ask(string function, int key, long time, JsonNode? value = null, (string, JsonNode?)? more = null)
    {
        Add(_processes, HistoryEventType.Invoke, function, key, time, value, more);
        return _processes++;
    }

    // What the last one asked.
    private void Hear(
        string function, int key, long time, JsonNode? value = null, (string, JsonNode?)? more = null, HistoryEventType type = HistoryEventType.Ok) =>
        Add(_processes - 1, type, function, key, time, value, more);

    private void Add(int process, HistoryEventType type, string function, int key, long time, JsonNode? value, (string, JsonNode?)? more) =>
        _history.Add(more is { } member
            ? HistoryEvent.Create(process, type, function, time, $"k{key}", value, more: member)
            : HistoryEvent.Create(process, type, function, time, $"k{key}", value));

    private void MustBeLegal(string model)
    {
        Verdict verdict = Models.Find(model)!.Check(_history, new());
        Assert.True(verdict.IsLegal, verdict.Summary);
        Assert.Equal((Keys * OperationsOfKey, Keys), (verdict.Operations, verdict.Keys));
    }
}
