using System.Collections.Frozen;
using Quorate.FrontDoors.Http2;
using Quorate.FrontDoors.Metrics;

namespace Quorate.FrontDoors.Etcd;

/// <summary>gRPC over our own HTTP/2 (grpc.io, PROTOCOL-HTTP2): finds what serves a call, reads its messages, sends the answer and the status.</summary>
internal sealed class GrpcAdaptor
{
    private readonly FrozenDictionary<string, GrpcRoute> _routes;

    public GrpcAdaptor(EtcdService service, int maxMessageBytes, DoorMeters meters) =>
        _routes = meters.Rpcs.ToFrozenDictionary(
            static rpc => rpc.Key,
            rpc => EtcdRpcs.ByPath.TryGetValue(rpc.Key, out EtcdRpc? unary)
                ? (GrpcRoute)new UnaryRoute(service, unary, maxMessageBytes, meters, rpc.Value)
                : new StreamRoute(service, EtcdRpcs.StreamsByPath[rpc.Key], maxMessageBytes, meters, rpc.Value));

    /// <summary>Finds what serves a call, or refuses it.</summary>
    public void Open(Http2Stream stream)
    {
        if (!_routes.TryGetValue(stream.Path!, out GrpcRoute? route)) { Refuse(stream, NotServed(stream.Path!)); }
        else if (stream.Encoding is not (null or "identity")) { Refuse(stream, EtcdErrors.CompressionNotSupported(stream.Encoding)); }
        else { stream.Call = route; }
    }

    /// <summary>Ends a call with an error.</summary>
    public static GrpcStatus Refuse(Http2Stream stream, EtcdError error)
    {
        stream.Connection.Finish(stream, (int)error.Status, GrpcMessageText.Encode(error.Message));
        return error.Status;
    }

    private static EtcdError NotServed(string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash <= 0) { return EtcdErrors.MalformedPath(path); }
        string service = path[1..slash];
        return EtcdRpcs.Services.Contains(service)
            ? EtcdErrors.UnknownMethod(path[(slash + 1)..], service)
            : EtcdErrors.UnknownService(service);
    }
}
