using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests;

/// <summary>
/// The requests that kube-apiserver's storage makes of etcd, each in its form there (etcd's client/v3/kubernetes and Kubernetes'
/// storage/etcd3): everything that it needs, and nothing else.
/// </summary>
internal sealed class ApiServer(Uri endpoint) : IDisposable
{
    /// <summary>The key by which several of them agree who compacts.</summary>
    public const string CompactionKey = "compact_rev_key";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly EtcdGrpcClient _client = new([endpoint]);

    /// <summary>Puts if the key was last changed at that revision; 0: if there is none. Else reads it.</summary>
    public Task<TxnResponse> PutAsync(string key, string value, long expected, long lease = 0) => TxnAsync(
        key, expected, new RequestOp { RequestPut = new PutRequest { Key = Text(key), Value = Text(value), Lease = lease } });

    /// <summary>Deletes if the key was last changed at that revision. Else reads it.</summary>
    public Task<TxnResponse> DeleteAsync(string key, long expected) => TxnAsync(
        key, expected, new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Text(key) } });

    /// <summary>One key.</summary>
    public Task<RangeResponse> GetAsync(string key, long revision = 0) =>
        RangeAsync(new RangeRequest { Key = Text(key), Limit = 1, Revision = revision });

    /// <summary>A page of a list: from the prefix, or behind the last key of the page before, at the first page's revision.</summary>
    public Task<RangeResponse> ListAsync(string prefix, long limit, string after = "", long revision = 0) => RangeAsync(new RangeRequest
    {
        Key = after.Length == 0 ? Text(prefix) : Text(after + "\0"),
        RangeEnd = End(prefix),
        Limit = limit,
        Revision = revision,
    });

    /// <summary>How many keys there are.</summary>
    public async Task<long> CountAsync(string prefix) =>
        (await RangeAsync(new RangeRequest { Key = Text(prefix), RangeEnd = End(prefix), CountOnly = true })).Count;

    /// <summary>A whole list in parts (Kubernetes 1.37's EtcdRangeStream).</summary>
    public async Task<List<RangeResponse>> StreamAsync(string prefix)
    {
        await using EtcdGrpcStream<RangeRequest, RangeStreamResponse> stream = _client.OpenStream(EtcdMethods.RangeStream, endpoint: 0);
        await stream.WriteAsync(new RangeRequest { Key = Text(prefix), RangeEnd = End(prefix) });
        stream.Complete();
        var parts = new List<RangeResponse>();
        while (await stream.ReadAsync() is { } part) { parts.Add(part.RangeResponse); }
        return parts;
    }

    /// <summary>A watch of a resource, from the revision behind a list.</summary>
    public async Task<EtcdGrpcStream<WatchRequest, WatchResponse>> WatchAsync(string prefix, long revision)
    {
        EtcdGrpcStream<WatchRequest, WatchResponse> stream = _client.OpenStream(EtcdMethods.Watch, endpoint: 0, requireLeader: true);
        await stream.WriteAsync(new WatchRequest
        {
            CreateRequest = new WatchCreateRequest
            {
                Key = Text(prefix),
                RangeEnd = End(prefix),
                StartRevision = revision,
                PrevKv = true,
                Fragment = true,
                ProgressNotify = true,
            },
        });
        return stream;
    }

    /// <summary>One of several compacts, every five minutes: who counts the turn up may, and says up to where.</summary>
    /// <returns>The turn and the revision as they are afterwards, and whether it was our turn.</returns>
    public async Task<(long Turn, long Revision, bool IsOurs)> CompactAsync(long turn, long revision)
    {
        TxnResponse txn = await _client.CallAsync(
            EtcdMethods.Txn,
            new TxnRequest
            {
                Compare =
                {
                    new Compare { Key = Text(CompactionKey), Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Equal, Version = turn },
                },
                Success = { new RequestOp { RequestPut = new PutRequest { Key = Text(CompactionKey), Value = Text(revision.ToString(CultureInfo.InvariantCulture)) } } },
                Failure = { new RequestOp { RequestRange = new RangeRequest { Key = Text(CompactionKey) } } },
            },
            Patience);
        if (!txn.Succeeded) { return (txn.Responses[0].ResponseRange.Kvs[0].Version, txn.Header.Revision, false); }
        if (turn > 0) { await _client.CallAsync(EtcdMethods.Compact, new CompactionRequest { Revision = revision }, Patience); }
        return (turn + 1, txn.Header.Revision, true);
    }

    /// <summary>A lease that many events share.</summary>
    public Task<LeaseGrantResponse> GrantAsync(long seconds) => _client.CallAsync(EtcdMethods.LeaseGrant, new LeaseGrantRequest { TTL = seconds }, Patience);

    /// <summary>Ends a lease, as its time does.</summary>
    public Task RevokeAsync(long lease) => _client.CallAsync(EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = lease }, Patience);

    /// <summary>What features are decided by, and the size that is exported.</summary>
    public Task<StatusResponse> StatusAsync() => _client.CallAsync(EtcdMethods.Status, new StatusRequest(), Patience);

    public void Dispose() => _client.Dispose();

    private Task<RangeResponse> RangeAsync(RangeRequest request) => _client.CallAsync(EtcdMethods.Range, request, Patience);

    private Task<TxnResponse> TxnAsync(string key, long expected, RequestOp success) => _client.CallAsync(
        EtcdMethods.Txn,
        new TxnRequest
        {
            Compare =
            {
                new Compare { Key = Text(key), Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = expected },
            },
            Success = { success },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = Text(key) } } },
        },
        Patience);

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);

    private static ByteString End(string prefix) => Text(prefix[..^1] + (char)(prefix[^1] + 1));
}
