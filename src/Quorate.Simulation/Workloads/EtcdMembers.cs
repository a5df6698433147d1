using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Simulation;

/// <summary>etcd's messages as members of a history's lines (Checkers/Etcd/DESIGN.md). What has etcd's default is left out.</summary>
internal static class EtcdMembers
{
    public static JsonObject Of(PutRequest put)
    {
        var json = new JsonObject { ["key"] = Text(put.Key), ["value"] = Text(put.Value) };
        Flag(json, "prev_kv", put.PrevKv);
        return json;
    }

    public static JsonObject Of(DeleteRangeRequest delete)
    {
        JsonObject json = Span(delete.Key, delete.RangeEnd);
        Flag(json, "prev_kv", delete.PrevKv);
        return json;
    }

    public static JsonObject Of(RangeRequest range)
    {
        JsonObject json = Span(range.Key, range.RangeEnd);
        Number(json, "limit", range.Limit);
        Number(json, "revision", range.Revision);
        Flag(json, "serializable", range.Serializable);
        Flag(json, "count_only", range.CountOnly);
        Flag(json, "keys_only", range.KeysOnly);
        return json;
    }

    public static JsonObject Of(TxnRequest txn) => new()
    {
        ["compare"] = List(txn.Compare, Of),
        ["success"] = List(txn.Success, Of),
        ["failure"] = List(txn.Failure, Of),
    };

    public static JsonObject Of(CompactionRequest compact) => new() { ["revision"] = compact.Revision };

    public static JsonObject Of(PutResponse put)
    {
        JsonObject json = Revision(put.Header);
        if (put.PrevKv is not null) { json["prev_kv"] = Of(put.PrevKv); }
        return json;
    }

    public static JsonObject Of(DeleteRangeResponse delete)
    {
        JsonObject json = Revision(delete.Header);
        json["deleted"] = delete.Deleted;
        if (delete.PrevKvs.Count > 0) { json["prev_kvs"] = List(delete.PrevKvs, Of); }
        return json;
    }

    public static JsonObject Of(RangeResponse range)
    {
        JsonObject json = Revision(range.Header);
        json["kvs"] = List(range.Kvs, Of);
        json["count"] = range.Count;
        json["more"] = range.More;
        return json;
    }

    public static JsonObject Of(TxnResponse txn)
    {
        JsonObject json = Revision(txn.Header);
        json["succeeded"] = txn.Succeeded;
        json["responses"] = List(txn.Responses, Of);
        return json;
    }

    public static JsonObject Of(CompactionResponse compact) => Revision(compact.Header);

    public static JsonObject Of(WatchCreateRequest watch)
    {
        JsonObject json = Span(watch.Key, watch.RangeEnd);
        Number(json, "start_revision", watch.StartRevision);
        Flag(json, "prev_kv", watch.PrevKv);
        if (watch.Filters.Count > 0)
        {
            json["filters"] = new JsonArray([.. watch.Filters.Select(filter =>
                (JsonNode)(filter == WatchCreateRequest.Types.FilterType.Noput ? "noput" : "nodelete"))]);
        }

        return json;
    }

    public static JsonObject Of(WatchResponse response) => response.Events.Count > 0
        ? new() { ["events"] = List(response.Events, Of) }
        : new() { ["revision"] = response.Header.Revision, ["progress"] = true };

    private static JsonObject Of(Event change)
    {
        bool isPut = change.Type == Event.Types.EventType.Put;
        JsonObject json = isPut ? Of(change.Kv) : new() { ["key"] = Text(change.Kv.Key), ["mod"] = change.Kv.ModRevision };
        json["type"] = isPut ? "put" : "delete";
        if (change.PrevKv is not null) { json["prev_kv"] = Of(change.PrevKv); }
        return json;
    }

    private static JsonObject Of(Compare compare)
    {
        JsonObject json = Span(compare.Key, compare.RangeEnd);
        (json["target"], json["value"]) = compare.Target switch
        {
            Compare.Types.CompareTarget.Version => ("version", JsonValue.Create(compare.Version)),
            Compare.Types.CompareTarget.Create => ("create", JsonValue.Create(compare.CreateRevision)),
            Compare.Types.CompareTarget.Mod => ("mod", JsonValue.Create(compare.ModRevision)),
            Compare.Types.CompareTarget.Value => ((JsonNode)"value", Text(compare.Value)),
            _ => throw Invariant.Unreachable(compare.Target),
        };
        json["result"] = compare.Result switch
        {
            Compare.Types.CompareResult.Equal => "=",
            Compare.Types.CompareResult.NotEqual => "!=",
            Compare.Types.CompareResult.Greater => ">",
            _ => "<",
        };
        return json;
    }

    private static JsonObject Of(RequestOp op) => op.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestPut => Named("put", Of(op.RequestPut)),
        RequestOp.RequestOneofCase.RequestDeleteRange => Named("delete", Of(op.RequestDeleteRange)),
        RequestOp.RequestOneofCase.RequestRange => Named("range", Of(op.RequestRange)),
        RequestOp.RequestOneofCase.RequestTxn => Named("txn", Of(op.RequestTxn)),
        _ => throw Invariant.Unreachable(op.RequestCase),
    };

    private static JsonObject Of(ResponseOp op) => op.ResponseCase switch
    {
        ResponseOp.ResponseOneofCase.ResponsePut => Of(op.ResponsePut),
        ResponseOp.ResponseOneofCase.ResponseDeleteRange => Of(op.ResponseDeleteRange),
        ResponseOp.ResponseOneofCase.ResponseRange => Of(op.ResponseRange),
        ResponseOp.ResponseOneofCase.ResponseTxn => Of(op.ResponseTxn),
        _ => throw Invariant.Unreachable(op.ResponseCase),
    };

    private static JsonObject Of(KeyValue kv)
    {
        var json = new JsonObject
        {
            ["key"] = Text(kv.Key),
            ["value"] = Text(kv.Value),
            ["create"] = kv.CreateRevision,
            ["mod"] = kv.ModRevision,
            ["version"] = kv.Version,
        };
        Number(json, "lease", kv.Lease);
        return json;
    }

    private static JsonObject Named(string function, JsonObject json)
    {
        json["f"] = function;
        return json;
    }

    private static JsonObject Span(ByteString key, ByteString end)
    {
        var json = new JsonObject { ["key"] = Text(key) };
        if (!end.IsEmpty) { json["range_end"] = Text(end); }
        return json;
    }

    private static JsonObject Revision(ResponseHeader? header) => header is null ? [] : new() { ["revision"] = header.Revision };

    private static JsonArray List<T>(RepeatedField<T> items, Func<T, JsonObject> of) => [.. items.Select(of)];

    private static JsonValue Text(ByteString bytes) => JsonValue.Create(bytes.ToStringUtf8())!;

    private static void Flag(JsonObject json, string name, bool value)
    {
        if (value) { json[name] = true; }
    }

    private static void Number(JsonObject json, string name, long value)
    {
        if (value != 0) { json[name] = value; }
    }
}
