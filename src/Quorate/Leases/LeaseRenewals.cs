using System.Diagnostics;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Leases;

/// <summary>Renews one lease, at the next endpoint if one fails: a renewal that was carried out twice does no harm.</summary>
internal sealed class LeaseRenewals(EtcdGrpcClient client, int endpoints, long lease, TimeSpan timeout)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private int _endpoint;

    /// <summary>Renews it once.</summary>
    /// <exception cref="CliException">No endpoint has answered in time, or one refused for good.</exception>
    public async Task<LeaseKeepAliveResponse> RenewAsync(CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            stop.CancelAfter(timeout);
            try
            {
                await using EtcdGrpcStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream =
                    client.OpenStream(EtcdMethods.LeaseKeepAlive, _endpoint, cancellationToken: stop.Token);
                await stream.WriteAsync(new LeaseKeepAliveRequest { ID = lease });
                return await stream.ReadAsync() ?? throw new EtcdRpcException(GrpcStatus.Unavailable, "the server ended the stream", wasSent: true);
            }
            catch (EtcdRpcException e) when (e.Status == GrpcStatus.Unavailable && Stopwatch.GetElapsedTime(began) < timeout)
            {
                _endpoint = (_endpoint + 1) % endpoints;
                await Task.Delay(Pause, cancellationToken);
            }
            catch (EtcdRpcException e)
            {
                throw new CliException(CommandLine.CodeOf(e, isWrite: false), e.Message, e);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // One that hangs must not be whom the next renewal asks.
                _endpoint = (_endpoint + 1) % endpoints;
                throw new CliException(ExitCode.CannotConnect, $"no answer within {timeout.TotalSeconds} seconds");
            }
        }
    }
}
