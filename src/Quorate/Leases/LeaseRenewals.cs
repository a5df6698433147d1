using System.Diagnostics;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Leases;

/// <summary>
/// Renews one lease, at the next endpoint if one fails or does not answer, for as long as the lease may live: a renewal that was
/// carried out twice does no harm, and only what no server will ever take ends it sooner.
/// </summary>
/// <param name="client">Asks.</param>
/// <param name="endpoints">How many the client has.</param>
/// <param name="lease">The lease.</param>
/// <param name="timeout">The most for one attempt, and for the first renewal as a whole: until then nobody knows how long the lease lives.</param>
internal sealed class LeaseRenewals(EtcdGrpcClient client, int endpoints, long lease, TimeSpan timeout)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly TimeSpan _most = timeout;
    private int _endpoint;

    private TimeSpan _life = timeout;
    private bool _isRenewed;

    /// <summary>When the last renewal that was answered was sent (<see cref="Stopwatch.GetTimestamp"/>): the lease lives for its TTL from then on, or longer.</summary>
    public long Sent { get; private set; }

    private TimeSpan Left => _life - Stopwatch.GetElapsedTime(Sent);

    /// <summary>Renews it once.</summary>
    /// <exception cref="CliException">No endpoint has renewed it in time, or one refused for good.</exception>
    public async Task<LeaseKeepAliveResponse> RenewAsync(CancellationToken cancellationToken)
    {
        if (!_isRenewed) { Sent = Stopwatch.GetTimestamp(); }

        // Each endpoint has its turn before the time is up.
        TimeSpan share = Left / endpoints;
        while (true)
        {
            long sent = Stopwatch.GetTimestamp();
            try
            {
                LeaseKeepAliveResponse response = await AskAsync(share, cancellationToken);
                (Sent, _life, _isRenewed) = (sent, TimeSpan.FromSeconds(response.TTL), true);
                return response;
            }
            catch (EtcdRpcException e) when (!MayPass(e.Status) || Left <= Pause)
            {
                throw new CliException(CommandLine.CodeOf(e, isWrite: false), e.Message, e);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && Left <= Pause)
            {
                throw new CliException(ExitCode.CannotConnect, $"no answer within {_life.TotalSeconds} seconds");
            }
            catch (Exception e) when (e is EtcdRpcException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                _endpoint = (_endpoint + 1) % endpoints;
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    private static bool MayPass(GrpcStatus status) =>
        status is not (GrpcStatus.InvalidArgument or GrpcStatus.Unauthenticated or GrpcStatus.PermissionDenied);

    private async Task<LeaseKeepAliveResponse> AskAsync(TimeSpan share, CancellationToken cancellationToken)
    {
        // Even if the time is up: until a server has ended it, a lease can be renewed.
        TimeSpan most = new[] { share, _most, Left }.Min();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(most > Pause ? most : Pause);
        await using EtcdGrpcStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream =
            client.OpenStream(EtcdMethods.LeaseKeepAlive, _endpoint, cancellationToken: stop.Token);
        await stream.WriteAsync(new LeaseKeepAliveRequest { ID = lease });
        return await stream.ReadAsync() ?? throw new EtcdRpcException(GrpcStatus.Unavailable, "the server ended the stream", wasSent: true);
    }
}
