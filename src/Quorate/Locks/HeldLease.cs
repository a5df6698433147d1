using System.Diagnostics;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;
using Quorate.Leases;

namespace Quorate.Locks;

/// <summary>A lease that is renewed until it is disposed of, and that tells when it cannot be relied on any more.</summary>
internal sealed class HeldLease : IAsyncDisposable
{
    // Of the time since the last renewal was sent: the rest is for whoever must stop before the lease can end.
    private const double UsedPart = 0.8;

    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly EtcdGrpcClient _client;
    private readonly TimeSpan _timeout;
    private readonly Task _running;

    private HeldLease(EtcdGrpcClient client, long id, TimeSpan life, long sent, TimeSpan timeout)
    {
        _client = client;
        _timeout = timeout;
        Id = id;
        Trust(life, sent);
        _running = RunAsync(life);
    }

    /// <summary>Its id.</summary>
    public long Id { get; }

    /// <summary>
    /// Cancelled when the lease has ended, or when a fifth of its time is left since the last renewal that was answered was sent: it ends no
    /// earlier than that, however long messages took.
    /// </summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Makes a lease and keeps it.</summary>
    /// <exception cref="CliException">It was not granted.</exception>
    public static async Task<HeldLease> GrantAsync(EtcdGrpcClient client, long seconds, TimeSpan timeout, CancellationToken stop)
    {
        long sent = Stopwatch.GetTimestamp();
        LeaseGrantResponse granted = await Rpc.CallAsync(
            client, EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = seconds }, timeout, isWrite: true, stop);
        return new HeldLease(client, granted.ID, TimeSpan.FromSeconds(granted.TTL), sent, timeout);
    }

    /// <summary>Ends it, with what hangs on it, if a server can be reached; else it ends by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        try
        {
            await _client.CallAsync(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = Id }, _timeout);
        }
        catch (EtcdRpcException)
        {
            // Ended already, or about to.
        }

        _stop.Dispose();
        _lost.Dispose();
    }

    private void Trust(TimeSpan life, long since)
    {
        TimeSpan left = (life * UsedPart) - Stopwatch.GetElapsedTime(since);
        _lost.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    private async Task RunAsync(TimeSpan life)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, _lost.Token);
        var renewals = new LeaseRenewals(_client, _client.Endpoints, Id, life / 4);
        while (true)
        {
            await Task.Delay(life / 4, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested) { return; }
            try
            {
                LeaseKeepAliveResponse answer = await renewals.RenewAsync(stop.Token);
                if (answer.TTL <= 0)
                {
                    await _lost.CancelAsync();
                    return;
                }

                Trust(TimeSpan.FromSeconds(answer.TTL), renewals.Sent);
            }
            catch (CliException)
            {
                // Again, as long as there is time.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
