using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

/// <summary>etcd, one request after the other, as plainly as can be: every revision's whole store is kept. Speaks the history's members.</summary>
internal sealed class SequentialEtcd
{
    private readonly List<ImmutableSortedDictionary<string, Version>> _stores =
        [.. Enumerable.Repeat(ImmutableSortedDictionary.Create<string, Version>(StringComparer.Ordinal), 2)];

    private readonly HashSet<long> _ended = [];
    private ImmutableSortedDictionary<string, Version> _now;
    private List<JsonObject> _events = [];
    private long _compacted = -1;

    public SequentialEtcd() => _now = _stores[1];

    private SequentialEtcd(SequentialEtcd other)
    {
        (_stores, _ended, _now, _compacted) = ([.. other._stores], [.. other._ended], other._now, other._compacted);
        Events.AddRange(other.Events);
    }

    public long Revision => _stores.Count - 1;

    /// <summary>The events of each revision, with the version before; the first is of revision 2.</summary>
    public List<List<JsonObject>> Events { get; } = [];

    public SequentialEtcd Copy() => new(this);

    /// <summary>The answer's members; null if the request is refused.</summary>
    /// <param name="request">As in a line that asks.</param>
    /// <param name="staleAt">For a serializable read: the revision at which a member stands.</param>
    public JsonObject? Execute(JsonObject request, long? staleAt = null)
    {
        string function = (string)request["f"]!;
        long current = staleAt ?? Revision;
        _now = _stores[(int)current];
        if (function == "compact")
        {
            long revision = (long)request["revision"]!;
            if (revision <= _compacted || revision > Revision) { return null; }
            _compacted = revision;
            return new JsonObject { ["revision"] = Revision };
        }

        if (!CanRun(request, current)) { return null; }
        _events = [];
        JsonObject answer = Run(request, current);
        if (_events.Count > 0)
        {
            _stores.Add(_now);
            Events.Add(_events);
        }

        answer["revision"] = staleAt ?? Revision;
        return answer;
    }

    /// <summary>Ends a lease, for good: deletes its keys at one revision.</summary>
    public void EndLease(long lease)
    {
        _ended.Add(lease);
        _now = _stores[^1];
        _events = [];
        foreach (string key in _now.Where(k => k.Value.Lease == lease).Select(k => k.Key).ToArray()) { Delete(key); }
        if (_events.Count == 0) { return; }
        _stores.Add(_now);
        Events.Add(_events);
    }

    private static IEnumerable<JsonObject> Items(JsonObject json, string name) => (json[name] as JsonArray)?.Select(i => i!.AsObject()) ?? [];

    private static bool Includes(JsonObject request, string key)
    {
        string first = (string)request["key"]!;
        return (string?)request["range_end"] switch
        {
            null or "" => key == first,
            "\0" => string.CompareOrdinal(key, first) >= 0,
            { } end => string.CompareOrdinal(key, first) >= 0 && string.CompareOrdinal(key, end) < 0,
        };
    }

    private bool CanRun(JsonObject request, long current)
    {
        if ((long?)request["lease"] is { } lease && _ended.Contains(lease)) { return false; }
        long revision = (string)request["f"]! == "range" ? (long?)request["revision"] ?? 0 : 0;
        return (revision == 0 || (revision <= current && revision >= _compacted))
            && (((string)request["f"]! != "txn") || Items(request, Holds(request) ? "success" : "failure").All(o => CanRun(o, current)));
    }

    private JsonObject Run(JsonObject request, long before)
    {
        switch ((string)request["f"]!)
        {
            case "put":
                var answer = new JsonObject();
                if ((bool?)request["prev_kv"] == true && _now.TryGetValue((string)request["key"]!, out Version? old)) { answer["prev_kv"] = old.ToJson(); }
                Put((string)request["key"]!, (string)request["value"]!, (long?)request["lease"] ?? 0);
                return answer;
            case "delete":
                string[] keys = [.. _now.Keys.Where(k => Includes(request, k))];
                var deleted = new JsonObject { ["deleted"] = keys.Length };
                if ((bool?)request["prev_kv"] == true) { deleted["prev_kvs"] = new JsonArray([.. keys.Select(k => _now[k].ToJson())]); }
                foreach (string key in keys) { Delete(key); }
                return deleted;
            case "range":
                return Range(request, (long?)request["revision"] is { } r and > 0 ? _stores[(int)r] : _now);
            default:
                // All conditions, also those of inner transactions, are decided by the store before the outermost.
                bool holds = Holds(request, before);
                return new JsonObject
                {
                    ["succeeded"] = holds,
                    ["responses"] = new JsonArray([.. Items(request, holds ? "success" : "failure").Select(o => Run(o, before))]),
                };
        }
    }

    private static JsonObject Range(JsonObject request, ImmutableSortedDictionary<string, Version> store)
    {
        Version[] found = [.. store.Values.Where(v => Includes(request, v.Key))];
        if ((bool?)request["count_only"] == true) { return new JsonObject { ["count"] = found.Length }; }
        long limit = (long?)request["limit"] is { } l and > 0 ? l : long.MaxValue;
        Version[] shown = [.. found.Where((_, i) => i < limit)];
        return new JsonObject
        {
            ["kvs"] = new JsonArray([.. shown.Select(v => v.ToJson((bool?)request["keys_only"] != true))]),
            ["count"] = found.Length,
            ["more"] = found.Length > shown.Length,
        };
    }

    private bool Holds(JsonObject txn) => Holds(txn, Revision);

    private bool Holds(JsonObject txn, long before) => Items(txn, "compare").All(compare =>
    {
        Version[] versions = [.. _stores[(int)before].Values.Where(v => Includes(compare, v.Key))];
        string target = (string)compare["target"]!;
        return versions.Length > 0 ? versions.All(v => Compare(compare, v)) : target != "value" && Compare(compare, new Version("", "", 0, 0, 0, 0));
    });

    private static bool Compare(JsonObject compare, Version version)
    {
        string target = (string)compare["target"]!;
        int order = target == "value"
            ? string.CompareOrdinal(version.Value, (string)compare["value"]!)
            : (target switch { "mod" => version.Mod, "create" => version.Create, "version" => version.Number, _ => version.Lease })
                .CompareTo((long)compare["value"]!);
        return (string)compare["result"]! switch { "=" => order == 0, "!=" => order != 0, ">" => order > 0, _ => order < 0 };
    }

    private void Put(string key, string value, long lease)
    {
        Version? old = _now.GetValueOrDefault(key);
        long revision = Revision + 1;
        var version = new Version(key, value, old?.Create ?? revision, revision, (old?.Number ?? 0) + 1, lease);
        _now = _now.SetItem(key, version);
        JsonObject told = version.ToJson();
        told["type"] = "put";
        Note(told, key);
    }

    private void Delete(string key)
    {
        _now = _now.Remove(key);
        Note(new JsonObject { ["type"] = "delete", ["key"] = key, ["mod"] = Revision + 1 }, key);
    }

    private void Note(JsonObject told, string key)
    {
        if (_stores[^1].TryGetValue(key, out Version? before)) { told["prev_kv"] = before.ToJson(); }
        _events.Add(told);
    }

    private sealed record Version(string Key, string Value, long Create, long Mod, long Number, long Lease)
    {
        public JsonObject ToJson(bool withValue = true)
        {
            var json = new JsonObject { ["key"] = Key, ["create"] = Create, ["mod"] = Mod, ["version"] = Number, ["lease"] = Lease };
            if (withValue) { json["value"] = Value; }
            return json;
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Key}={Value}@{Mod}");
    }
}
