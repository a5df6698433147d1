using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Which failures say for certain that nothing happened.</summary>
internal static class Refusals
{
    // The server's own words, said before anything was proposed. "request timed out" is not one of them.
    private static readonly string[] Words =
    [
        "etcdserver: no leader", "etcdserver: too many requests", "etcdserver: mvcc: database space exceeded", "etcdserver: server stopped",
    ];

    /// <summary>Whether a failed call of our own client may have had an effect.</summary>
    public static bool MayHaveHappened(EtcdRpcException failure) => failure.WasSent && failure.Status switch
    {
        GrpcStatus.InvalidArgument or GrpcStatus.OutOfRange or GrpcStatus.NotFound or GrpcStatus.FailedPrecondition => false,
        _ => MayHaveHappened(failure.Message),
    };

    /// <summary>The same of a client that gives its error as a text.</summary>
    public static bool MayHaveHappened(string text) => !Words.Any(words => text.Contains(words, StringComparison.Ordinal));
}
