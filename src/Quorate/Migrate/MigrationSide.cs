using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Migrate;

/// <summary>One of the two clusters of a migration.</summary>
/// <param name="Name">For people: "etcd" or "Quorate".</param>
/// <param name="Client">Its client; its calls are tried again where that is safe.</param>
internal sealed record MigrationSide(string Name, EtcdGrpcClient Client)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Calls an RPC.</summary>
    public Task<TResponse> Call<TRequest, TResponse>(EtcdMethod<TRequest, TResponse> method, TRequest request, CancellationToken stop)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse> => Client.CallAsync(method, request, Patience, stop);

    /// <summary>The newest revision, linearizable.</summary>
    public async Task<long> CurrentRevision(CancellationToken stop) =>
        (await Call(EtcdMethods.Range, new RangeRequest { Key = ByteString.CopyFrom(0), CountOnly = true }, stop)).Header.Revision;

    /// <summary>What a failure of this side means for the verb.</summary>
    public CliException Explain(EtcdRpcException e) =>
        new(CommandLine.CodeOf(e, isWrite: false), $"{Name}: {e.Message}", e);
}
