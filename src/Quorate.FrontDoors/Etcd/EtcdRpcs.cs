using System.Collections.Frozen;
using System.Collections.Immutable;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.FrontDoors.Etcd;

/// <summary>One unary RPC: where it is, over gRPC and over JSON, and what serves it.</summary>
/// <param name="Path"><c>/package.Service/Method</c>.</param>
/// <param name="JsonPath">The gateway's path.</param>
/// <param name="Parser">Reads the request.</param>
/// <param name="Handler">Serves it; takes the message that <paramref name="Parser"/> made.</param>
internal sealed record EtcdRpc(
    string Path,
    string JsonPath,
    MessageParser Parser,
    Func<EtcdService, IMessage, EtcdCall, ValueTask<EtcdResult>> Handler)
{
    /// <summary>The request's type, for reading JSON.</summary>
    public required Google.Protobuf.Reflection.MessageDescriptor RequestType { get; init; }

    /// <summary>An older path of the gateway that is served too; null if there is none.</summary>
    public string? OldJsonPath { get; init; }
}

/// <summary>One RPC with a stream of responses, and perhaps of requests.</summary>
/// <param name="Path"><c>/package.Service/Method</c>.</param>
/// <param name="JsonPath">The gateway's path; null if it has none.</param>
/// <param name="Parser">Reads a request.</param>
/// <param name="RequestType">The request's type, for reading JSON.</param>
/// <param name="Handler">Serves it until it returns: null if all went well. Half-close by the caller does not stop it, the call's token does.</param>
internal sealed record EtcdStreamRpc(
    string Path,
    string? JsonPath,
    MessageParser Parser,
    Google.Protobuf.Reflection.MessageDescriptor RequestType,
    Func<EtcdService, IEtcdStream, EtcdCall, ValueTask<EtcdError?>> Handler)
{
    /// <summary>True if a learner serves it.</summary>
    public bool AllowedOnLearner { get; init; }

    /// <summary>Makes of a response the message that it stands for, if it was encoded beforehand.</summary>
    public Func<IMessage, IMessage> Decoded { get; init; } = static response => response;
}

/// <summary>
/// All that this door serves. To add an RPC: a line in <see cref="All"/> or <see cref="Streams"/> and a method on
/// <see cref="EtcdService"/>.
/// </summary>
internal static class EtcdRpcs
{
    public static readonly ImmutableArray<EtcdRpc> All =
    [
        Unary("/etcdserverpb.KV/Range", "/v3/kv/range", RangeRequest.Parser, static (s, r, c) => s.Range(r, c)),
        Unary("/etcdserverpb.KV/Put", "/v3/kv/put", PutRequest.Parser, static (s, r, c) => s.Put(r, c)),
        Unary("/etcdserverpb.KV/DeleteRange", "/v3/kv/deleterange", DeleteRangeRequest.Parser,
            static (s, r, c) => s.DeleteRange(r, c)),
        Unary("/etcdserverpb.KV/Txn", "/v3/kv/txn", TxnRequest.Parser, static (s, r, c) => s.Txn(r, c)),
        Unary("/etcdserverpb.KV/Compact", "/v3/kv/compaction", CompactionRequest.Parser,
            static (s, r, c) => s.Compact(r, c)),
        Unary("/etcdserverpb.Lease/LeaseGrant", "/v3/lease/grant", LeaseGrantRequest.Parser,
            static (s, r, c) => s.LeaseGrant(r, c)),
        Unary("/etcdserverpb.Lease/LeaseRevoke", "/v3/lease/revoke", LeaseRevokeRequest.Parser,
            static (s, r, c) => s.LeaseRevoke(r, c)) with { OldJsonPath = "/v3/kv/lease/revoke" },
        Unary("/etcdserverpb.Lease/LeaseTimeToLive", "/v3/lease/timetolive", LeaseTimeToLiveRequest.Parser,
            static (s, r, c) => s.LeaseTimeToLive(r, c)) with { OldJsonPath = "/v3/kv/lease/timetolive" },
        Unary("/etcdserverpb.Lease/LeaseLeases", "/v3/lease/leases", LeaseLeasesRequest.Parser,
            static (s, r, c) => s.LeaseLeases(r, c)) with { OldJsonPath = "/v3/kv/lease/leases" },
        Unary("/v3lockpb.Lock/Lock", "/v3/lock/lock", LockRequest.Parser, static (s, r, c) => s.Lock(r, c)),
        Unary("/v3lockpb.Lock/Unlock", "/v3/lock/unlock", UnlockRequest.Parser, static (s, r, c) => s.Unlock(r, c)),
        Unary("/v3electionpb.Election/Campaign", "/v3/election/campaign", CampaignRequest.Parser,
            static (s, r, c) => s.Campaign(r, c)),
        Unary("/v3electionpb.Election/Proclaim", "/v3/election/proclaim", ProclaimRequest.Parser,
            static (s, r, c) => s.Proclaim(r, c)),
        Unary("/v3electionpb.Election/Leader", "/v3/election/leader", LeaderRequest.Parser, static (s, r, c) => s.Leader(r, c)),
        Unary("/v3electionpb.Election/Resign", "/v3/election/resign", ResignRequest.Parser, static (s, r, c) => s.Resign(r, c)),
        Unary("/keyspacepb.Keyspaces/Create", "/v3/keyspace/create", KeyspaceCreateRequest.Parser,
            static (s, r, c) => s.KeyspaceCreate(r, c)),
        Unary("/keyspacepb.Keyspaces/Update", "/v3/keyspace/update", KeyspaceUpdateRequest.Parser,
            static (s, r, c) => s.KeyspaceUpdate(r, c)),
        Unary("/keyspacepb.Keyspaces/Delete", "/v3/keyspace/delete", KeyspaceDeleteRequest.Parser,
            static (s, r, c) => s.KeyspaceDelete(r, c)),
        Unary("/keyspacepb.Keyspaces/List", "/v3/keyspace/list", KeyspaceListRequest.Parser, static (s, r, c) => s.KeyspaceList(r, c)),
        Unary("/etcdserverpb.Cluster/MemberList", "/v3/cluster/member/list", MemberListRequest.Parser,
            static (s, r, c) => s.MemberList(r, c)),
        Unary("/etcdserverpb.Cluster/MemberAdd", "/v3/cluster/member/add", MemberAddRequest.Parser,
            static (s, r, c) => s.MemberAdd(r, c)),
        Unary("/etcdserverpb.Cluster/MemberPromote", "/v3/cluster/member/promote", MemberPromoteRequest.Parser,
            static (s, r, c) => s.MemberPromote(r, c)),
        Unary("/etcdserverpb.Cluster/MemberUpdate", "/v3/cluster/member/update", MemberUpdateRequest.Parser,
            static (s, r, c) => s.MemberUpdate(r, c)),
        Unary("/etcdserverpb.Cluster/MemberRemove", "/v3/cluster/member/remove", MemberRemoveRequest.Parser,
            static (s, r, c) => s.MemberRemove(r, c)),
        Unary("/etcdserverpb.Maintenance/MoveLeader", "/v3/maintenance/transfer-leadership", MoveLeaderRequest.Parser,
            static (s, r, c) => s.MoveLeader(r, c)),
        Unary("/etcdserverpb.Maintenance/Status", "/v3/maintenance/status", StatusRequest.Parser,
            static (s, r, c) => s.Status(r, c)),
        Unary("/etcdserverpb.Maintenance/Alarm", "/v3/maintenance/alarm", AlarmRequest.Parser,
            static (s, r, c) => s.Alarm(r, c)),
        Unary("/etcdserverpb.Maintenance/Defragment", "/v3/maintenance/defragment", DefragmentRequest.Parser,
            static (s, r, c) => s.Defragment(r, c)),
        Unary("/etcdserverpb.Maintenance/Hash", "/v3/maintenance/hash", HashRequest.Parser, static (s, r, c) => s.Hash(r, c)),
        Unary("/etcdserverpb.Maintenance/HashKV", "/v3/maintenance/hashkv", HashKVRequest.Parser,
            static (s, r, c) => s.HashKV(r, c)),
        Unary("/etcdserverpb.Maintenance/Downgrade", "/v3/maintenance/downgrade", DowngradeRequest.Parser,
            static (s, r, c) => s.Downgrade(r, c)),
    ];

    public static readonly ImmutableArray<EtcdStreamRpc> Streams =
    [
        Stream("/etcdserverpb.KV/RangeStream", null, RangeRequest.Parser, static (s, stream, c) => s.RangeStream(stream, c)),
        Stream("/etcdserverpb.Lease/LeaseKeepAlive", "/v3/lease/keepalive", LeaseKeepAliveRequest.Parser,
            static (s, stream, c) => s.LeaseKeepAlive(stream, c)),
        Stream("/v3electionpb.Election/Observe", "/v3/election/observe", LeaderRequest.Parser,
            static (s, stream, c) => s.Observe(stream, c)),
        Stream("/etcdserverpb.Maintenance/Snapshot", "/v3/maintenance/snapshot", SnapshotRequest.Parser,
            static (s, stream, c) => s.Snapshot(stream, c)) with { AllowedOnLearner = true },
        Stream("/etcdserverpb.Watch/Watch", "/v3/watch", WatchRequest.Parser, static (s, stream, c) => s.Watch(stream, c)) with
        {
            Decoded = static response => WatchResponse.Parser.ParseFrom(response.ToByteString()),
        },
    ];

    public static readonly FrozenDictionary<string, EtcdRpc> ByPath = All.ToFrozenDictionary(rpc => rpc.Path);

    public static readonly FrozenDictionary<string, EtcdRpc> ByJsonPath = All.Select(rpc => (Path: rpc.JsonPath, Rpc: rpc))
        .Concat(All.Where(rpc => rpc.OldJsonPath is not null).Select(rpc => (Path: rpc.OldJsonPath!, Rpc: rpc)))
        .ToFrozenDictionary(pair => pair.Path, pair => pair.Rpc);

    public static readonly FrozenDictionary<string, EtcdStreamRpc> StreamsByPath = Streams.ToFrozenDictionary(rpc => rpc.Path);

    public static readonly FrozenDictionary<string, EtcdStreamRpc> StreamsByJsonPath =
        Streams.Where(rpc => rpc.JsonPath is not null).ToFrozenDictionary(rpc => rpc.JsonPath!);

    /// <summary>Services of which at least one RPC is served: decides which of gRPC's two refusals an unknown path gets.</summary>
    public static readonly FrozenSet<string> Services =
        All.Select(rpc => rpc.Path).Concat(Streams.Select(rpc => rpc.Path)).Select(path => path[1..path.LastIndexOf('/')]).ToFrozenSet();

    private static EtcdStreamRpc Stream<TRequest>(
        string path, string? jsonPath, MessageParser<TRequest> parser,
        Func<EtcdService, IEtcdStream, EtcdCall, ValueTask<EtcdError?>> handler)
        where TRequest : class, IMessage<TRequest>, new() =>
        new(path, jsonPath, parser, new TRequest().Descriptor, handler);

    private static EtcdRpc Unary<TRequest>(
        string path, string jsonPath, MessageParser<TRequest> parser,
        Func<EtcdService, TRequest, EtcdCall, ValueTask<EtcdResult>> handler)
        where TRequest : class, IMessage<TRequest>, new() =>
        new(path, jsonPath, parser, (service, request, call) => handler(service, (TRequest)request, call))
        {
            RequestType = new TRequest().Descriptor,
        };
}
