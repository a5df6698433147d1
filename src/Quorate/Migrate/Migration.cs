using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Migrate;

/// <summary>
/// Brings all keys of an etcd to a running Quorate and follows its changes. Into a cluster that was restored from a snapshot of that etcd,
/// revision by revision: every key keeps its revisions and its version. Into an empty cluster, by value: keys, values and leases.
/// </summary>
/// <remarks>Nobody else may write to the destination meanwhile; by revisions that is noticed at once, else by the hash at the end.</remarks>
internal sealed class Migration : IDisposable
{
    // Below etcd's default limits, so that a copy needs no settings.
    private const int MostOperations = 100;
    private const int MostBytes = 512 * 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ToFinish = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private readonly MigrationSide _from;
    private readonly MigrationSide _to;
    private readonly MigrationLeases _leases;
    private readonly Action<string> _tell;

    /// <param name="from">The etcd.</param>
    /// <param name="to">The Quorate.</param>
    /// <param name="tell">Takes lines for people.</param>
    public Migration(MigrationSide from, MigrationSide to, Action<string> tell)
    {
        _from = from;
        _to = to;
        _tell = tell;
        _leases = new MigrationLeases(from, to);
    }

    /// <summary>True: the destination has the source's revisions, not only its values.</summary>
    public bool IsByRevision { get; private set; }

    /// <summary>The source's revision up to which the destination has everything.</summary>
    public long Applied { get; private set; }

    /// <summary>Looks at both sides, and copies everything if the destination is empty.</summary>
    /// <exception cref="CliException">The destination has other data. Nothing was changed.</exception>
    public async Task Begin(CancellationToken stop)
    {
        long source = await _from.CurrentRevision(stop);
        long destination = await _to.CurrentRevision(stop);
        if (destination <= 1)
        {
            await Copy(stop);
            return;
        }

        if (destination > source)
        {
            throw Refuse($"it is at revision {destination}, and etcd only at {source}: it was written to by others");
        }

        _tell($"comparing both at revision {destination}");
        ContentHash theirs;
        try
        {
            theirs = await ContentHash.Of(_from, destination, withRevisions: true, stop);
        }
        catch (EtcdRpcException e) when (e.Status == GrpcStatus.OutOfRange)
        {
            throw Refuse($"it is at revision {destination}, which etcd has compacted; restore it from a newer snapshot");
        }

        ContentHash ours = await ContentHash.Of(_to, destination, withRevisions: true, stop);
        if (ours != theirs)
        {
            throw Refuse($"at revision {destination} it has other data than etcd ({ours.Keys} keys, SHA-256 {ours.Sha256}; etcd {theirs.Keys}, {theirs.Sha256})");
        }

        _tell($"equal: {ours.Keys} keys; following by revision");
        IsByRevision = true;
        Applied = destination;
        foreach (LeaseStatus lease in (await _from.Call(EtcdMethods.LeaseLeases, new LeaseLeasesRequest(), stop)).Leases) { await _leases.Ensure(lease.ID, stop); }
    }

    /// <summary>Follows the source's changes.</summary>
    /// <param name="untilCaughtUp">Return when the destination has all that the source had a moment ago; else only when stopped.</param>
    /// <param name="stop">Ends it.</param>
    public async Task Follow(bool untilCaughtUp, CancellationToken stop)
    {
        // What has begun is finished, so that it is known which revision was reached; but nobody waits for long for a destination that is down.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var late = new CancellationTokenSource();
        using CancellationTokenRegistration ending = ended.Token.Register(() => late.CancelAfter(ToFinish));
        Task looking = Look(untilCaughtUp, ended);
        for (int endpoint = 0; !ended.IsCancellationRequested; endpoint = (endpoint + 1) % _from.Client.Endpoints)
        {
            try
            {
                await FollowOne(endpoint, ended.Token, late.Token);
            }
            catch (EtcdRpcException e) when (e.Status is GrpcStatus.Unavailable or GrpcStatus.Internal or GrpcStatus.Canceled)
            {
                // The stream broke: another endpoint goes on where it stood.
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                break;
            }
            catch
            {
                await ended.CancelAsync();
                await looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw;
            }

            await Task.Delay(Pause, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await looking;
    }

    /// <summary>Compares both at the revision that was reached.</summary>
    public async Task<(ContentHash From, ContentHash To)> Verify(CancellationToken stop) =>
        (await ContentHash.Of(_from, Applied, IsByRevision, stop), await ContentHash.Of(_to, IsByRevision ? Applied : 0, IsByRevision, stop));

    /// <inheritdoc/>
    public void Dispose() => _leases.Dispose();

    private async Task Copy(CancellationToken stop)
    {
        long copied = 0;
        long revision = 0;
        var txn = new TxnRequest();
        long told = Environment.TickCount64;
        await foreach (RangeResponse page in ContentHash.Pages(_from, 0, stop))
        {
            if (revision == 0) { revision = page.Header.Revision; }
            foreach (KeyValue kv in page.Kvs)
            {
                txn.Success.Add(await ToOp(kv, stop));
                copied++;
                if (txn.Success.Count >= MostOperations || txn.CalculateSize() >= MostBytes) { await Flush(txn, stop); }
            }

            await _leases.Keep(0, stop);
            if (Environment.TickCount64 - told < 2000) { continue; }
            told = Environment.TickCount64;
            _tell($"{copied} keys copied");
        }

        await Flush(txn, stop);
        Applied = revision;
        _tell($"{copied} keys of revision {revision} copied; following");
    }

    private async Task FollowOne(int endpoint, CancellationToken stop, CancellationToken late)
    {
        await using EtcdGrpcStream<WatchRequest, WatchResponse> stream = _from.Client.OpenStream(EtcdMethods.Watch, endpoint, requireLeader: true, stop);
        await stream.WriteAsync(new WatchRequest
        {
            CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0), StartRevision = Applied + 1 },
        });
        while (await stream.ReadAsync() is { } response)
        {
            if (response.CompactRevision > 0)
            {
                throw new CliException(
                    ExitCode.Precondition, $"etcd has compacted revision {Applied + 1} before it was followed; take a new snapshot, or begin again with an empty cluster");
            }

            if (response.Canceled) { throw new CliException(ExitCode.Failed, $"etcd cancelled the watch: {response.CancelReason}"); }
            if (response.Created) { continue; }
            await Apply(response, late);
        }
    }

    // A revision is never spread over responses: no parts were asked for.
    private async Task Apply(WatchResponse response, CancellationToken stop)
    {
        var txn = new TxnRequest();
        long revision = Applied;
        foreach (Event change in response.Events)
        {
            if (change.Kv.ModRevision <= Applied) { continue; }
            bool isNext = change.Kv.ModRevision != revision;
            bool isFull = txn.Success.Count >= MostOperations || txn.CalculateSize() >= MostBytes;
            if (isNext && txn.Success.Count > 0 && (IsByRevision || isFull || Changes(txn, change.Kv.Key)))
            {
                await Flush(txn, stop, revision);
                Applied = revision;
            }

            revision = change.Kv.ModRevision;
            bool isDelete = change.Type == Event.Types.EventType.Delete;
            if (IsByRevision) { txn.Compare.Add(StateBefore(change)); }
            txn.Success.Add(isDelete
                ? new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = change.Kv.Key } }
                : await ToOp(change.Kv, stop));
        }

        await Flush(txn, stop, revision);
        Applied = revision;
    }

    // An attempt whose answer was lost may be carried out late: then the key is not as it was before any more, and nothing happens twice.
    private static Compare StateBefore(Event change) => change.Type == Event.Types.EventType.Delete
        ? new Compare { Key = change.Kv.Key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater, Version = 0 }
        : new Compare { Key = change.Kv.Key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Equal, Version = change.Kv.Version - 1 };

    private static bool Changes(TxnRequest txn, ByteString key) =>
        txn.Success.Any(op => (op.RequestPut?.Key ?? op.RequestDeleteRange.Key) == key);

    private async Task<RequestOp> ToOp(KeyValue kv, CancellationToken stop)
    {
        bool hasLease = await _leases.Ensure(kv.Lease, stop);
        return new RequestOp { RequestPut = new PutRequest { Key = kv.Key, Value = kv.Value, Lease = hasLease ? kv.Lease : 0 } };
    }

    private async Task Flush(TxnRequest txn, CancellationToken stop, long revision = 0)
    {
        if (txn.Success.Count == 0) { return; }
        TxnResponse answer = await Send(txn, stop);
        if (IsByRevision && answer.Header.Revision != revision)
        {
            throw Refuse($"it is at revision {answer.Header.Revision} where etcd is at {revision}: somebody else writes to it");
        }

        txn.Compare.Clear();
        txn.Success.Clear();
    }

    // Sent until it is answered: by value it may be done twice, by revision the comparisons let it happen once.
    private async Task<TxnResponse> Send(TxnRequest txn, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await _to.Call(EtcdMethods.Txn, txn, stop);
            }
            catch (EtcdRpcException e) when (e.Status is GrpcStatus.Unavailable or GrpcStatus.DeadlineExceeded or GrpcStatus.Internal)
            {
                _tell($"{_to.Name}: {e.Message}; trying again");
                await Task.Delay(Pause, stop);
            }
            catch (EtcdRpcException e) when (e.Message.Contains("too many operations", StringComparison.Ordinal))
            {
                throw new CliException(
                    ExitCode.Precondition,
                    $"a revision of etcd has {txn.Success.Count} changes, more than the destination takes at once; start it with --max-txn-ops {txn.Success.Count} and run this again", e);
            }
        }
    }

    private async Task Look(bool untilCaughtUp, CancellationTokenSource ended)
    {
        long told = 0;
        long goal = untilCaughtUp ? 0 : long.MaxValue;
        while (!ended.IsCancellationRequested)
        {
            try
            {
                long current = await _from.CurrentRevision(ended.Token);
                long applied = Applied;
                await _leases.Keep(applied, ended.Token);
                if (Environment.TickCount64 - told > 5000)
                {
                    told = Environment.TickCount64;
                    _tell($"at revision {applied} of {current}, {_leases.Count} leases");
                }

                if (goal == 0) { goal = current; }
                if (applied >= goal)
                {
                    await ended.CancelAsync();
                    return;
                }

                await Task.Delay(BetweenLooks / 4, ended.Token);
            }
            catch (EtcdRpcException e)
            {
                if (!ended.IsCancellationRequested) { _tell(e.Message); }
                await Task.Delay(Pause, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private CliException Refuse(string why) => new(
        ExitCode.Precondition, $"{_to.Name} cannot follow: {why}. Begin with an empty cluster, or one that was restored from a snapshot of this etcd");
}
