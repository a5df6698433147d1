using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Locks;

/// <summary>
/// Waits for a lock or an election with a lease of one's own. The place in the queue has the lease's name, so asking again at another
/// server, after an answer that did not come, takes no second one.
/// </summary>
internal static class LongCall
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Calls until there is an answer, or a refusal that will not change.</summary>
    /// <exception cref="CliException">No answer: the time is over, the lease is lost, no server can be reached, or one refused for good.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static async Task<TResponse> CallAsync<TRequest, TResponse>(
        EtcdGrpcClient client, EtcdMethod<TRequest, TResponse> method, TRequest request, TimeSpan patience, HeldLease lease, CancellationToken stop)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse>
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop, lease.Lost);
        if (patience != Timeout.InfiniteTimeSpan) { waiting.CancelAfter(patience); }
        while (true)
        {
            try
            {
                return await client.CallAsync(method, request, Timeout.InfiniteTimeSpan, waiting.Token);
            }
            catch (EtcdRpcException) when (waiting.IsCancellationRequested)
            {
                // Who asked for it says why.
            }
            catch (EtcdRpcException e) when (!MayChange(e))
            {
                throw new CliException(e.WasSent ? CommandLine.CodeOf(e, isWrite: false) : ExitCode.CannotConnect, e.Message, e);
            }
            catch (EtcdRpcException)
            {
                // The next attempt is another server's.
            }

            await Task.Delay(Pause, waiting.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.ThrowIfCancellationRequested();
            if (lease.Lost.IsCancellationRequested) { throw new CliException(ExitCode.Failed, "the lease could not be renewed in time"); }
            if (waiting.IsCancellationRequested) { throw new CliException(ExitCode.Precondition, "somebody else had it all the time"); }
        }
    }

    /// <summary>True of a failure that another server, or time, may mend.</summary>
    /// <remarks>Texts, since codes are Unknown: a recipe is a client within the server.</remarks>
    public static bool MayChange(EtcdRpcException e) =>
        e.WasSent && (e.Status == GrpcStatus.Unavailable
            || EtcdFailures.Of(e.Status, e.Message, e.WasSent) == EtcdFailure.Refused
            || e.Message.StartsWith("etcdserver: request timed out", StringComparison.Ordinal)
            || e.Message.StartsWith("etcdserver: server stopped", StringComparison.Ordinal));
}
