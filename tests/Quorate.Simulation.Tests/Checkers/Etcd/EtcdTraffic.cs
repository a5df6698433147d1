using System.Text;
using System.Text.Json.Nodes;
using Quorate.Core;
using Quorate.Simulation.Checkers;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

/// <summary>Clients with random requests on a <see cref="SequentialEtcd"/>: each request happens at some moment between asking and answer, or never.</summary>
internal sealed class EtcdTraffic
{
    private readonly Prng _random;
    private readonly int _keys;
    private readonly SequentialEtcd _store = new();
    private readonly List<Client> _clients = [];
    private long _time;
    private int _processes;
    private int _values;
    private long _lease;

    private EtcdTraffic(Prng random, int keys) => (_random, _keys) = (random, keys);

    /// <summary>Chance of an unknown outcome, of 100.</summary>
    public int Unknown { get; init; }

    /// <summary>False: only what an order of all operations decides: no stale reads, compactions or leases.</summary>
    public bool HasExtras { get; init; } = true;

    /// <summary>Lines of the history.</summary>
    public List<JsonObject> Lines { get; } = [];

    /// <summary>A history that etcd may give.</summary>
    public static List<JsonObject> Legal(ulong seed, int operations, int clients, int keys, int unknown, int watches, bool hasExtras = true)
    {
        var traffic = new EtcdTraffic(new Prng(seed), keys) { Unknown = unknown, HasExtras = hasExtras };
        for (int i = 0; i < clients; i++) { traffic._clients.Add(new Client(traffic._processes++, isWatch: false)); }
        for (int i = 0; i < watches; i++) { traffic._clients.Add(new Client(traffic._processes++, isWatch: true)); }
        traffic.Run(operations);
        return traffic.Lines;
    }

    /// <summary>The lines as a history, read as from a file.</summary>
    public static Simulation.Checkers.History Read(IEnumerable<JsonObject> lines) =>
        HistoryReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines.Select(l => l.ToJsonString())))));

    private void Run(int operations)
    {
        while (operations > 0 || _clients.Exists(c => c.Request is not null && !c.IsWatch))
        {
            if (_random.Chance(3, 4)) { _time++; }
            if (_lease > 0 && _random.Chance(1, 40)) { _store.EndLease(1 + _random.Below((int)_lease)); }
            Client client = _clients[_random.Below(_clients.Count)];
            if (client.IsWatch) { MoveWatch(client); }
            else if (client.Request is not null) { Move(client); }
            else if (operations-- > 0) { Ask(client, Any(depth: 0)); }
        }
    }

    private void Ask(Client client, JsonObject request)
    {
        client.Request = FromText(request);
        client.IsLost = _random.Below(100) < Unknown;
        Line(client, "invoke", request);
    }

    private void Move(Client client)
    {
        JsonObject request = client.Request!;
        if (!client.HasHappened)
        {
            if (client.IsLost && _random.Chance(1, 2))
            {
                End(client, "info", new JsonObject());
                return;
            }

            bool isStale = (bool?)request["serializable"] == true;
            client.Answer = _store.Execute(request, isStale ? 1 + _random.Below((int)_store.Revision) : null);
            client.HasHappened = true;
        }
        else if (client.IsLost) { End(client, _random.Chance(1, 3) ? null : "info", new JsonObject()); }
        else { End(client, client.Answer is null ? "fail" : "ok", client.Answer ?? new JsonObject()); }
    }

    private void End(Client client, string? type, JsonObject answer)
    {
        if (type is not null) { Line(client, type, answer); }
        if (type is null or "info") { client.Process = _processes++; }
        (client.Request, client.HasHappened, client.Answer) = (null, false, null);
    }

    private void MoveWatch(Client client)
    {
        if (client.Watch is null || _random.Chance(1, 60))
        {
            if (client.Request is not null) { client.Process = _processes++; }
            client.Request = null;
            client.Watch = new JsonObject { ["f"] = "watch", ["key"] = Key(), ["prev_kv"] = _random.Chance(1, 2) };
            if (_random.Chance(2, 3)) { client.Watch["range_end"] = End(); }
            if (_random.Chance(1, 4)) { client.Watch["filters"] = new JsonArray(_random.Chance(1, 2) ? "noput" : "nodelete"); }
            client.Next = _store.Revision + 1;
            if (_random.Chance(1, 2)) { client.Watch["start_revision"] = client.Next = 1 + _random.Below((int)_store.Revision + 3); }
            Line(client, "invoke", client.Watch);
            Line(client, "ok", new JsonObject { ["f"] = "watch", ["revision"] = _store.Revision });
        }
        else if (client.Request is null)
        {
            client.Request = new JsonObject { ["f"] = "watch-next" };
            Line(client, "invoke", client.Request);
        }
        else { Tell(client); }
    }

    private void Tell(Client client)
    {
        var told = new JsonArray();
        long upTo = Math.Min(_store.Revision, client.Next + _random.Below(4));
        for (; client.Next <= upTo; client.Next++)
        {
            foreach (JsonObject e in client.Next < 2 ? [] : _store.Events[(int)client.Next - 2])
            {
                if (!IsWatched(client.Watch!, e)) { continue; }
                var copy = (JsonObject)e.DeepClone();
                if ((bool?)client.Watch!["prev_kv"] != true) { copy.Remove("prev_kv"); }
                told.Add(copy);
            }
        }

        if (told.Count > 0) { End(client, "ok", new JsonObject { ["events"] = told, ["revision"] = _store.Revision }); }
        else if (client.Next > 2 && client.Next == _store.Revision + 1)
        {
            End(client, "ok", new JsonObject { ["progress"] = true, ["revision"] = _store.Revision });
        }
    }

    private static bool IsWatched(JsonObject watch, JsonObject e)
    {
        string key = (string)e["key"]!;
        string? filter = (string?)watch["filters"]?[0];
        string? end = (string?)watch["range_end"];
        return filter != "no" + (string)e["type"]!
            && (end is null ? key == (string)watch["key"]! : string.CompareOrdinal(key, (string)watch["key"]!) >= 0 && (end == "\0" || string.CompareOrdinal(key, end) < 0));
    }

    private void Line(Client client, string type, JsonObject members)
    {
        var line = (JsonObject)members.DeepClone();
        line["f"] = (client.Request ?? client.Watch)!["f"]!.DeepClone();
        line["process"] = client.Process;
        line["type"] = type;
        line["time"] = _time;
        Lines.Add(FromText(line));
    }

    // Numbers as in a file: of any type that fits.
    private static JsonObject FromText(JsonObject json) => (JsonObject)JsonNode.Parse(json.ToJsonString())!;

    private JsonObject Any(int depth) => _random.Below(depth < 2 ? 12 : 7) switch
    {
        0 or 1 or 2 => Put(),
        3 => Delete(),
        4 or 5 or 6 => Range(depth > 0),
        7 when depth == 0 && HasExtras && _random.Chance(1, 8) => new JsonObject { ["f"] = "compact", ["revision"] = 1 + _random.Below((int)_store.Revision) },
        _ => Txn(depth + 1),
    };

    private JsonObject Put()
    {
        var put = new JsonObject { ["f"] = "put", ["key"] = Key(), ["value"] = $"v{_values++}", ["prev_kv"] = _random.Chance(1, 3) };
        if (_random.Chance(1, 10) && HasExtras) { put["lease"] = _random.Chance(1, 2) || _lease == 0 ? ++_lease : _lease; }
        return put;
    }

    private JsonObject Delete()
    {
        var delete = new JsonObject { ["f"] = "delete", ["key"] = Key(), ["prev_kv"] = _random.Chance(1, 3) };
        if (_random.Chance(1, 3)) { delete["range_end"] = End(); }
        return delete;
    }

    private JsonObject Range(bool isNested)
    {
        var range = new JsonObject { ["f"] = "range", ["key"] = _random.Chance(1, 2) ? "k0" : Key() };
        if (_random.Chance(2, 3)) { range["range_end"] = End(); }
        if (_random.Chance(1, 4)) { range["limit"] = 1 + _random.Below(3); }
        if (_random.Chance(1, 5)) { range["revision"] = 1 + _random.Below((int)_store.Revision); }
        if (_random.Chance(1, 8)) { range["count_only"] = true; }
        if (_random.Chance(1, 8)) { range["keys_only"] = true; }
        if (_random.Chance(1, 6) && !isNested && HasExtras) { range["serializable"] = true; }
        return range;
    }

    private JsonObject Txn(int depth)
    {
        var compares = new JsonArray();
        for (int i = _random.Below(3); i > 0; i--)
        {
            string target = new[] { "mod", "create", "version", "value", "lease" }[_random.Below(5)];
            var compare = new JsonObject { ["key"] = Key(), ["target"] = target, ["result"] = new[] { "=", "!=", "<", ">" }[_random.Below(4)] };
            compare["value"] = target == "value" ? $"v{_random.Below(_values + 1)}" : target is "version" or "lease" ? _random.Below(3) : 1 + _random.Below((int)_store.Revision);
            if (_random.Chance(1, 4)) { compare["range_end"] = End(); }
            compares.Add(compare);
        }

        // A transaction without any operation may be answered from the past, as a serializable read.
        JsonArray failure = Operations(depth);
        if (failure.Count == 0 && !HasExtras) { failure.Add(Range(isNested: true)); }
        return new JsonObject { ["f"] = "txn", ["compare"] = compares, ["success"] = Operations(depth), ["failure"] = failure };
    }

    // etcd refuses a transaction that sets a key twice, or sets and deletes it.
    private JsonArray Operations(int depth)
    {
        var operations = new JsonArray();
        bool deletes = _random.Chance(1, 4);
        var keys = new HashSet<string>();
        for (int i = _random.Below(4); i > 0; i--)
        {
            JsonObject operation = Any(depth);
            string function = (string)operation["f"]!;
            if (function == "txn" ? depth > 1 || operations.Count > 0 : (function == "delete" && !deletes) || (function == "put" && (deletes || !keys.Add((string)operation["key"]!)))) { continue; }
            operations.Add(operation);
            if (function == "txn") { break; }
        }

        return operations;
    }

    private string Key() => $"k{_random.Below(_keys)}";

    private string End() => _random.Below(3) switch { 0 => "\0", 1 => "l", _ => Key() };

    private sealed class Client(int process, bool isWatch)
    {
        public int Process { get; set; } = process;

        public bool IsWatch { get; } = isWatch;

        public JsonObject? Request { get; set; }

        public JsonObject? Answer { get; set; }

        public bool HasHappened { get; set; }

        public bool IsLost { get; set; }

        public JsonObject? Watch { get; set; }

        public long Next { get; set; }
    }
}
