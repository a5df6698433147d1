namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>Reads the members of etcd operations; <see cref="EtcdModel"/> lists them.</summary>
internal static class EtcdReader
{
    // A request that asks for one of these would be judged by rules that this model does not have.
    private static readonly string[] Unsupported =
    [
        "ignore_value", "ignore_lease", "sort_order", "sort_target", "fragment",
        "min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision",
    ];

    /// <exception cref="HistoryException">An operation or a member is unknown, missing or of a wrong type.</exception>
    public static EtcdOperation[] Read(History history) => [.. history.Operations.Select(Read)];

    private static EtcdOperation Read(HistoryOperation source)
    {
        var invoke = new JsonMembers(source.Invoke.Line, source.Invoke.Json);
        EtcdRequest request = Request(invoke, source.Function, isNested: false);
        EtcdResponse? response = source.Outcome == HistoryOutcome.Ok
            ? Response(new JsonMembers(source.Completion!.Line, source.Completion.Json), request, isNested: false)
            : null;
        return new EtcdOperation(source, request, response);
    }

    private static EtcdRequest Request(in JsonMembers json, string function, bool isNested)
    {
        foreach (string name in Unsupported)
        {
            if (json.Has(name)) { throw json.Bad($"\"{name}\" is not known to the model etcd; leave such requests out of the history"); }
        }

        return function switch
        {
            "put" => new EtcdRequest.Put(json.Text("key"), json.Text("value"), json.Number("lease", 0), json.Flag("prev_kv")),
            "delete" => new EtcdRequest.Delete(Span(json), json.Flag("prev_kv")),
            "range" => new EtcdRequest.Range(
                Span(json),
                json.Number("limit", 0),
                json.Number("revision", 0),
                json.Flag("serializable"),
                json.Flag("count_only"),
                json.Flag("keys_only")),
            "txn" => new EtcdRequest.Txn(
                [.. json.List("compare", isOptional: true).Select(Compare)],
                [.. json.List("success", isOptional: true).Select(Nested)],
                [.. json.List("failure", isOptional: true).Select(Nested)]),
            "compact" when !isNested => new EtcdRequest.Compact(json.Number("revision")),
            "watch" when !isNested => Watch(json),
            "watch-next" when !isNested => new EtcdRequest.WatchNext(),
            _ => throw json.Bad(
                $"\"{function}\" is not an operation of the model etcd, which knows put, delete, range, txn, compact, watch and watch-next"),
        };
    }

    private static EtcdRequest Nested(JsonMembers json) => Request(json, json.Text("f"), isNested: true);

    private static EtcdRequest.Watch Watch(in JsonMembers json)
    {
        string[] filters = [.. json.Texts("filters")];
        return new EtcdRequest.Watch(
            Span(json),
            json.Number("start_revision", 0),
            NoPut: filters.Contains("noput"),
            NoDelete: filters.Contains("nodelete"),
            json.Flag("prev_kv"));
    }

    private static EtcdRequest.Compare Compare(JsonMembers json)
    {
        string target = json.Text("target");
        string result = json.Text("result");
        if (target is not ("version" or "create" or "mod" or "value" or "lease"))
        {
            throw json.Bad($"the target \"{target}\" must be version, create, mod, value or lease");
        }

        if (result is not ("=" or "!=" or ">" or "<")) { throw json.Bad($"the result \"{result}\" must be =, !=, > or <"); }
        return new EtcdRequest.Compare(
            Span(json),
            target,
            result,
            target == "value" ? 0 : json.Number("value"),
            target == "value" ? json.Text("value") : "");
    }

    private static KeySpan Span(in JsonMembers json) =>
        new(json.Text("key"), json.Has("range_end") && json.Text("range_end") is { Length: > 0 } end ? end : null);

    private static EtcdResponse Response(in JsonMembers json, EtcdRequest request, bool isNested)
    {
        long revision = isNested || request is EtcdRequest.Watch or EtcdRequest.WatchNext ? json.Number("revision", 0) : json.Number("revision");
        return request switch
        {
            EtcdRequest.Put => new EtcdResponse.Put(revision, json.Has("prev_kv") ? Kv(json.Object("prev_kv")) : null),
            EtcdRequest.Delete => new EtcdResponse.Delete(
                revision, json.Number("deleted"), json.Has("prev_kvs") ? [.. json.List("prev_kvs").Select(Kv)] : null),
            EtcdRequest.Range range => new EtcdResponse.Range(
                revision,
                [.. json.List("kvs", isOptional: range.CountOnly).Select(kv => range.KeysOnly ? KeyOnly(kv) : Kv(kv))],
                json.Number("count", range.CountOnly ? null : -1),
                json.Has("more") ? json.Flag("more") : null),
            EtcdRequest.Txn txn => Txn(json, txn, revision),
            EtcdRequest.Compact => new EtcdResponse.Compact(revision),
            EtcdRequest.Watch => new EtcdResponse.Watch(revision),
            _ => WatchNext(json, revision),
        };
    }

    private static EtcdResponse.Txn Txn(in JsonMembers json, EtcdRequest.Txn txn, long revision)
    {
        bool succeeded = json.RequiredFlag("succeeded");
        EtcdRequest[] taken = succeeded ? txn.Success : txn.Failure;
        JsonMembers[] parts = [.. json.List("responses", isOptional: taken.Length == 0)];
        return parts.Length == taken.Length
            ? new EtcdResponse.Txn(revision, succeeded, [.. parts.Zip(taken, (part, request) => Response(part, request, isNested: true))])
            : throw json.Bad($"\"responses\" has {parts.Length} parts, and the list that was taken has {taken.Length} operations");
    }

    private static EtcdResponse.WatchNext WatchNext(in JsonMembers json, long revision)
    {
        EtcdEvent[] events = [.. json.List("events", isOptional: true).Select(Event)];
        bool isProgress = json.Flag("progress");
        if (isProgress && (revision == 0 || events.Length > 0)) { throw json.Bad("a progress notice has a \"revision\" and no \"events\""); }
        foreach (EtcdEvent e in events) { revision = Math.Max(revision, e.Kv.Mod); }
        return new EtcdResponse.WatchNext(revision, events, isProgress);
    }

    private static EtcdEvent Event(JsonMembers json)
    {
        string type = json.Text("type");
        return type switch
        {
            "put" => new EtcdEvent(true, Kv(json), json.Has("prev_kv") ? Kv(json.Object("prev_kv")) : null),
            "delete" => new EtcdEvent(
                false,
                new EtcdKv(json.Text("key"), null, Create: 0, json.Number("mod"), Version: 0, Lease: 0),
                json.Has("prev_kv") ? Kv(json.Object("prev_kv")) : null),
            _ => throw json.Bad($"the event's type \"{type}\" must be put or delete"),
        };
    }

    private static EtcdKv Kv(JsonMembers json) => KeyOnly(json) with { Value = json.Text("value") };

    private static EtcdKv KeyOnly(JsonMembers json) => new(
        json.Text("key"), null, json.Number("create"), json.Number("mod"), json.Number("version"), json.Number("lease", -1));
}
