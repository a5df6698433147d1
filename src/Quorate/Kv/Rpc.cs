using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Kv;

/// <summary>Calls of the verbs: failures become exit codes and sentences.</summary>
internal static class Rpc
{
    /// <summary>Calls one RPC.</summary>
    /// <param name="client">Whom to ask.</param>
    /// <param name="method">What to ask.</param>
    /// <param name="request">The question.</param>
    /// <param name="timeout">Time for all of it.</param>
    /// <param name="isWrite">True if an answer that stays out leaves the outcome unknown.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CliException">Any outcome but an answer.</exception>
    public static async Task<TResponse> CallAsync<TRequest, TResponse>(
        EtcdGrpcClient client, EtcdMethod<TRequest, TResponse> method, TRequest request, TimeSpan timeout, bool isWrite,
        CancellationToken cancellationToken)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        try
        {
            return await client.CallAsync(method, request, timeout, cancellationToken);
        }
        catch (EtcdRpcException e)
        {
            ExitCode code = CommandLine.CodeOf(e, isWrite);
            string meaning = code switch
            {
                ExitCode.OutcomeUnknown => " (outcome unknown: the write may have happened, or may happen yet)",
                ExitCode.CannotConnect => " (nothing was sent)",
                _ => "",
            };
            throw new CliException(code, $"{e.Message}{meaning}", e);
        }
    }
}
