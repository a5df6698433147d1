using Google.Protobuf;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>One method of the etcd v3 API.</summary>
internal sealed class Rpc<TRequest, TResponse>(string service, string method, MessageParser<TResponse> parser)
    where TRequest : IMessage<TRequest>
    where TResponse : IMessage<TResponse>
{
    public string Service { get; } = service;

    public string Method { get; } = method;

    public string Path { get; } = $"/{service}/{method}";

    public MessageParser<TResponse> Parser { get; } = parser;
}

/// <summary>The methods that this client calls.</summary>
internal static class Rpcs
{
    private const string Kv = "etcdserverpb.KV";
    private const string LeaseService = "etcdserverpb.Lease";

    public static readonly Rpc<Proto.RangeRequest, Proto.RangeResponse> Range = new(Kv, "Range", Proto.RangeResponse.Parser);
    public static readonly Rpc<Proto.PutRequest, Proto.PutResponse> Put = new(Kv, "Put", Proto.PutResponse.Parser);
    public static readonly Rpc<Proto.DeleteRangeRequest, Proto.DeleteRangeResponse> DeleteRange = new(Kv, "DeleteRange", Proto.DeleteRangeResponse.Parser);
    public static readonly Rpc<Proto.TxnRequest, Proto.TxnResponse> Txn = new(Kv, "Txn", Proto.TxnResponse.Parser);
    public static readonly Rpc<Proto.CompactionRequest, Proto.CompactionResponse> Compact = new(Kv, "Compact", Proto.CompactionResponse.Parser);

    public static readonly Rpc<Proto.WatchRequest, Proto.WatchResponse> Watch = new("etcdserverpb.Watch", "Watch", Proto.WatchResponse.Parser);

    public static readonly Rpc<Proto.LeaseGrantRequest, Proto.LeaseGrantResponse> LeaseGrant = new(LeaseService, "LeaseGrant", Proto.LeaseGrantResponse.Parser);
    public static readonly Rpc<Proto.LeaseRevokeRequest, Proto.LeaseRevokeResponse> LeaseRevoke = new(LeaseService, "LeaseRevoke", Proto.LeaseRevokeResponse.Parser);
    public static readonly Rpc<Proto.LeaseTimeToLiveRequest, Proto.LeaseTimeToLiveResponse> LeaseTimeToLive =
        new(LeaseService, "LeaseTimeToLive", Proto.LeaseTimeToLiveResponse.Parser);

    // A stream by its definition. One request and the end of requests look the same as a unary call on the wire, and get one answer.
    public static readonly Rpc<Proto.LeaseKeepAliveRequest, Proto.LeaseKeepAliveResponse> LeaseKeepAlive =
        new(LeaseService, "LeaseKeepAlive", Proto.LeaseKeepAliveResponse.Parser);

    public static readonly Rpc<Proto.AuthenticateRequest, Proto.AuthenticateResponse> Authenticate =
        new("etcdserverpb.Auth", "Authenticate", Proto.AuthenticateResponse.Parser);
}
