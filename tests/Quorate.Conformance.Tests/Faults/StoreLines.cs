using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Requests and answers of the etcd API as members of a history, as the model etcd reads them.</summary>
internal static class StoreLines
{
    /// <summary>The operation's name.</summary>
    public static string FunctionOf(IMessage request) => request switch
    {
        PutRequest => "put",
        RangeRequest => "range",
        DeleteRangeRequest => "delete",
        TxnRequest => "txn",
        CompactionRequest => "compact",
        _ => throw new ArgumentException($"{request.GetType().Name} is not known here", nameof(request)),
    };

    /// <summary>The members of a request.</summary>
    public static JsonObject Of(IMessage request) => request switch
    {
        PutRequest put => new JsonObject { ["key"] = Text(put.Key), ["value"] = Text(put.Value) },
        RangeRequest range => WithEnd(range.RangeEnd, new JsonObject
        {
            ["key"] = Text(range.Key),
            ["limit"] = range.Limit,
            ["revision"] = range.Revision,
            ["serializable"] = range.Serializable,
        }),
        DeleteRangeRequest delete => WithEnd(delete.RangeEnd, new JsonObject { ["key"] = Text(delete.Key) }),
        TxnRequest txn => new JsonObject
        {
            ["compare"] = new JsonArray([.. txn.Compare.Select(Of)]),
            ["success"] = Of(txn.Success),
            ["failure"] = Of(txn.Failure),
        },
        CompactionRequest compaction => new JsonObject { ["revision"] = compaction.Revision },
        _ => throw new ArgumentException($"{request.GetType().Name} is not known here", nameof(request)),
    };

    /// <summary>The members of an answer.</summary>
    public static JsonObject OfAnswer(IMessage answer)
    {
        JsonObject json = Body(answer);
        ResponseHeader header = answer switch
        {
            PutResponse put => put.Header,
            RangeResponse range => range.Header,
            DeleteRangeResponse delete => delete.Header,
            TxnResponse txn => txn.Header,
            _ => ((CompactionResponse)answer).Header,
        };
        json["revision"] = header.Revision;
        return json;
    }

    private static JsonObject Body(IMessage answer) => answer switch
    {
        RangeResponse range => new JsonObject
        {
            ["kvs"] = new JsonArray([.. range.Kvs.Select(Of)]),
            ["count"] = range.Count,
            ["more"] = range.More,
        },
        DeleteRangeResponse delete => new JsonObject { ["deleted"] = delete.Deleted },
        TxnResponse txn => new JsonObject
        {
            ["succeeded"] = txn.Succeeded,
            ["responses"] = new JsonArray([.. txn.Responses.Select(response => Body(Part(response)))]),
        },
        _ => [],
    };

    private static IMessage Part(ResponseOp response) => response.ResponseCase switch
    {
        ResponseOp.ResponseOneofCase.ResponseRange => response.ResponseRange,
        ResponseOp.ResponseOneofCase.ResponsePut => response.ResponsePut,
        ResponseOp.ResponseOneofCase.ResponseDeleteRange => response.ResponseDeleteRange,
        _ => response.ResponseTxn,
    };

    private static JsonArray Of(RepeatedField<RequestOp> operations) => new([.. operations.Select(operation =>
    {
        IMessage request = operation.RequestCase switch
        {
            RequestOp.RequestOneofCase.RequestRange => operation.RequestRange,
            RequestOp.RequestOneofCase.RequestPut => operation.RequestPut,
            RequestOp.RequestOneofCase.RequestDeleteRange => operation.RequestDeleteRange,
            _ => operation.RequestTxn,
        };
        JsonObject json = Of(request);
        json["f"] = FunctionOf(request);
        return json;
    })]);

    private static JsonObject Of(Compare compare)
    {
        string result = compare.Result switch
        {
            Compare.Types.CompareResult.Equal => "=",
            Compare.Types.CompareResult.NotEqual => "!=",
            Compare.Types.CompareResult.Greater => ">",
            _ => "<",
        };
        (string target, JsonNode value) = compare.Target switch
        {
            Compare.Types.CompareTarget.Value => ("value", (JsonNode)Text(compare.Value)),
            Compare.Types.CompareTarget.Mod => ("mod", compare.ModRevision),
            Compare.Types.CompareTarget.Create => ("create", compare.CreateRevision),
            _ => ("version", compare.Version),
        };
        return new JsonObject { ["key"] = Text(compare.Key), ["target"] = target, ["result"] = result, ["value"] = value };
    }

    private static JsonObject Of(KeyValue kv) => new()
    {
        ["key"] = Text(kv.Key),
        ["value"] = Text(kv.Value),
        ["create"] = kv.CreateRevision,
        ["mod"] = kv.ModRevision,
        ["version"] = kv.Version,
    };

    private static JsonObject WithEnd(ByteString end, JsonObject json)
    {
        if (!end.IsEmpty) { json["range_end"] = Text(end); }
        return json;
    }

    private static string Text(ByteString bytes) => bytes.ToStringUtf8();
}
