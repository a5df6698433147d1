using System.Collections.Frozen;
using System.Collections.Immutable;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.FrontDoors.Etcd;

/// <summary>One unary RPC: where it is, over gRPC and over JSON, and what serves it.</summary>
/// <param name="Path"><c>/package.Service/Method</c>.</param>
/// <param name="JsonPath">The gateway's path.</param>
/// <param name="Access">Who may call it.</param>
/// <param name="Parser">Reads the request.</param>
/// <param name="Handler">Serves it; takes the message that <paramref name="Parser"/> made.</param>
internal sealed record EtcdRpc(
    string Path,
    string JsonPath,
    EtcdAccess Access,
    MessageParser Parser,
    Func<EtcdService, IMessage, EtcdCall, ValueTask<EtcdResult>> Handler)
{
    /// <summary>The request's type, for reading JSON.</summary>
    public required Google.Protobuf.Reflection.MessageDescriptor RequestType { get; init; }

    /// <summary>An older path of the gateway that is served too; null if there is none.</summary>
    public string? OldJsonPath { get; init; }

    /// <summary>Who may send that request, if some may be sent by more than <see cref="Access"/> says.</summary>
    public Func<IMessage, EtcdAccess>? AccessOf { get; init; }
}

/// <summary>One RPC with a stream of responses, and perhaps of requests.</summary>
/// <param name="Path"><c>/package.Service/Method</c>.</param>
/// <param name="JsonPath">The gateway's path; null if it has none.</param>
/// <param name="Access">Who may call it.</param>
/// <param name="Parser">Reads a request.</param>
/// <param name="RequestType">The request's type, for reading JSON.</param>
/// <param name="Handler">Serves it until it returns: null if all went well. Half-close by the caller does not stop it, the call's token does.</param>
internal sealed record EtcdStreamRpc(
    string Path,
    string? JsonPath,
    EtcdAccess Access,
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
        Unary("/etcdserverpb.KV/Range", "/v3/kv/range", EtcdAccess.ByRequest, RangeRequest.Parser, static (s, r, c) => s.Range(r, c)),
        Unary("/etcdserverpb.KV/Put", "/v3/kv/put", EtcdAccess.ByRequest, PutRequest.Parser, static (s, r, c) => s.Put(r, c)),
        Unary("/etcdserverpb.KV/DeleteRange", "/v3/kv/deleterange", EtcdAccess.ByRequest, DeleteRangeRequest.Parser,
            static (s, r, c) => s.DeleteRange(r, c)),
        Unary("/etcdserverpb.KV/Txn", "/v3/kv/txn", EtcdAccess.ByRequest, TxnRequest.Parser, static (s, r, c) => s.Txn(r, c)),
        Unary("/etcdserverpb.KV/Compact", "/v3/kv/compaction", EtcdAccess.ByRequest, CompactionRequest.Parser,
            static (s, r, c) => s.Compact(r, c)),
        Unary("/etcdserverpb.Lease/LeaseGrant", "/v3/lease/grant", EtcdAccess.ByRequest, LeaseGrantRequest.Parser,
            static (s, r, c) => s.LeaseGrant(r, c)),
        Unary("/etcdserverpb.Lease/LeaseRevoke", "/v3/lease/revoke", EtcdAccess.ByRequest, LeaseRevokeRequest.Parser,
            static (s, r, c) => s.LeaseRevoke(r, c)) with { OldJsonPath = "/v3/kv/lease/revoke" },
        Unary("/etcdserverpb.Lease/LeaseTimeToLive", "/v3/lease/timetolive", EtcdAccess.ByRequest, LeaseTimeToLiveRequest.Parser,
            static (s, r, c) => s.LeaseTimeToLive(r, c)) with { OldJsonPath = "/v3/kv/lease/timetolive" },
        Unary("/etcdserverpb.Lease/LeaseLeases", "/v3/lease/leases", EtcdAccess.ByRequest, LeaseLeasesRequest.Parser,
            static (s, r, c) => s.LeaseLeases(r, c)) with { OldJsonPath = "/v3/kv/lease/leases" },
        Unary("/v3lockpb.Lock/Lock", "/v3/lock/lock", EtcdAccess.ByRequest, LockRequest.Parser, static (s, r, c) => s.Lock(r, c)),
        Unary("/v3lockpb.Lock/Unlock", "/v3/lock/unlock", EtcdAccess.ByRequest, UnlockRequest.Parser, static (s, r, c) => s.Unlock(r, c)),
        Unary("/v3electionpb.Election/Campaign", "/v3/election/campaign", EtcdAccess.ByRequest, CampaignRequest.Parser,
            static (s, r, c) => s.Campaign(r, c)),
        Unary("/v3electionpb.Election/Proclaim", "/v3/election/proclaim", EtcdAccess.ByRequest, ProclaimRequest.Parser,
            static (s, r, c) => s.Proclaim(r, c)),
        Unary("/v3electionpb.Election/Leader", "/v3/election/leader", EtcdAccess.ByRequest, LeaderRequest.Parser, static (s, r, c) => s.Leader(r, c)),
        Unary("/v3electionpb.Election/Resign", "/v3/election/resign", EtcdAccess.ByRequest, ResignRequest.Parser, static (s, r, c) => s.Resign(r, c)),
        Unary("/keyspacepb.Keyspaces/Create", "/v3/keyspace/create", EtcdAccess.Root, KeyspaceCreateRequest.Parser,
            static (s, r, c) => s.KeyspaceCreate(r, c)),
        Unary("/keyspacepb.Keyspaces/Update", "/v3/keyspace/update", EtcdAccess.Root, KeyspaceUpdateRequest.Parser,
            static (s, r, c) => s.KeyspaceUpdate(r, c)),
        Unary("/keyspacepb.Keyspaces/Delete", "/v3/keyspace/delete", EtcdAccess.Root, KeyspaceDeleteRequest.Parser,
            static (s, r, c) => s.KeyspaceDelete(r, c)),
        Unary("/keyspacepb.Keyspaces/List", "/v3/keyspace/list", EtcdAccess.ByRequest, KeyspaceListRequest.Parser, static (s, r, c) => s.KeyspaceList(r, c)),
        Unary("/etcdserverpb.Cluster/MemberList", "/v3/cluster/member/list", EtcdAccess.AnyUser, MemberListRequest.Parser,
            static (s, r, c) => s.MemberList(r, c)),
        Unary("/etcdserverpb.Cluster/MemberAdd", "/v3/cluster/member/add", EtcdAccess.Root, MemberAddRequest.Parser,
            static (s, r, c) => s.MemberAdd(r, c)),
        Unary("/etcdserverpb.Cluster/MemberPromote", "/v3/cluster/member/promote", EtcdAccess.Root, MemberPromoteRequest.Parser,
            static (s, r, c) => s.MemberPromote(r, c)),
        Unary("/etcdserverpb.Cluster/MemberUpdate", "/v3/cluster/member/update", EtcdAccess.Root, MemberUpdateRequest.Parser,
            static (s, r, c) => s.MemberUpdate(r, c)),
        Unary("/etcdserverpb.Cluster/MemberRemove", "/v3/cluster/member/remove", EtcdAccess.Root, MemberRemoveRequest.Parser,
            static (s, r, c) => s.MemberRemove(r, c)),
        Unary("/etcdserverpb.Maintenance/MoveLeader", "/v3/maintenance/transfer-leadership", EtcdAccess.Root, MoveLeaderRequest.Parser,
            static (s, r, c) => s.MoveLeader(r, c)),
        Unary("/etcdserverpb.Maintenance/Status", "/v3/maintenance/status", EtcdAccess.AnyUser, StatusRequest.Parser,
            static (s, r, c) => s.Status(r, c)),
        Unary("/etcdserverpb.Maintenance/Alarm", "/v3/maintenance/alarm", EtcdAccess.Root, AlarmRequest.Parser,
            static (s, r, c) => s.Alarm(r, c)) with
        {
            AccessOf = static request =>
                ((AlarmRequest)request).Action == AlarmRequest.Types.AlarmAction.Get ? EtcdAccess.AnyUser : EtcdAccess.Root,
        },
        Unary("/etcdserverpb.Maintenance/Defragment", "/v3/maintenance/defragment", EtcdAccess.Root, DefragmentRequest.Parser,
            static (s, r, c) => s.Defragment(r, c)),
        Unary("/etcdserverpb.Maintenance/Hash", "/v3/maintenance/hash", EtcdAccess.Root, HashRequest.Parser, static (s, r, c) => s.Hash(r, c)),
        Unary("/etcdserverpb.Maintenance/HashKV", "/v3/maintenance/hashkv", EtcdAccess.Root, HashKVRequest.Parser,
            static (s, r, c) => s.HashKV(r, c)),
        Unary("/etcdserverpb.Maintenance/Downgrade", "/v3/maintenance/downgrade", EtcdAccess.Root, DowngradeRequest.Parser,
            static (s, r, c) => s.Downgrade(r, c)),
        Unary("/etcdserverpb.Auth/AuthEnable", "/v3/auth/enable", EtcdAccess.ByRequest, AuthEnableRequest.Parser,
            static (s, r, c) => s.AuthEnable(r, c)),
        Unary("/etcdserverpb.Auth/AuthDisable", "/v3/auth/disable", EtcdAccess.ByRequest, AuthDisableRequest.Parser,
            static (s, r, c) => s.AuthDisable(r, c)),
        Unary("/etcdserverpb.Auth/AuthStatus", "/v3/auth/status", EtcdAccess.Everyone, AuthStatusRequest.Parser,
            static (s, r, c) => s.AuthStatus(r, c)),
        Unary("/etcdserverpb.Auth/Authenticate", "/v3/auth/authenticate", EtcdAccess.Everyone, AuthenticateRequest.Parser,
            static (s, r, c) => s.Authenticate(r, c)),
        Unary("/etcdserverpb.Auth/UserAdd", "/v3/auth/user/add", EtcdAccess.ByRequest, AuthUserAddRequest.Parser,
            static (s, r, c) => s.UserAdd(r, c)),
        Unary("/etcdserverpb.Auth/UserGet", "/v3/auth/user/get", EtcdAccess.ByRequest, AuthUserGetRequest.Parser,
            static (s, r, c) => s.UserGet(r, c)),
        Unary("/etcdserverpb.Auth/UserList", "/v3/auth/user/list", EtcdAccess.ByRequest, AuthUserListRequest.Parser,
            static (s, r, c) => s.UserList(r, c)),
        Unary("/etcdserverpb.Auth/UserDelete", "/v3/auth/user/delete", EtcdAccess.ByRequest, AuthUserDeleteRequest.Parser,
            static (s, r, c) => s.UserDelete(r, c)),
        Unary("/etcdserverpb.Auth/UserChangePassword", "/v3/auth/user/changepw", EtcdAccess.ByRequest, AuthUserChangePasswordRequest.Parser,
            static (s, r, c) => s.UserChangePassword(r, c)),
        Unary("/etcdserverpb.Auth/UserGrantRole", "/v3/auth/user/grant", EtcdAccess.ByRequest, AuthUserGrantRoleRequest.Parser,
            static (s, r, c) => s.UserGrantRole(r, c)),
        Unary("/etcdserverpb.Auth/UserRevokeRole", "/v3/auth/user/revoke", EtcdAccess.ByRequest, AuthUserRevokeRoleRequest.Parser,
            static (s, r, c) => s.UserRevokeRole(r, c)),
        Unary("/etcdserverpb.Auth/RoleAdd", "/v3/auth/role/add", EtcdAccess.ByRequest, AuthRoleAddRequest.Parser,
            static (s, r, c) => s.RoleAdd(r, c)),
        Unary("/etcdserverpb.Auth/RoleGet", "/v3/auth/role/get", EtcdAccess.ByRequest, AuthRoleGetRequest.Parser,
            static (s, r, c) => s.RoleGet(r, c)),
        Unary("/etcdserverpb.Auth/RoleList", "/v3/auth/role/list", EtcdAccess.ByRequest, AuthRoleListRequest.Parser,
            static (s, r, c) => s.RoleList(r, c)),
        Unary("/etcdserverpb.Auth/RoleDelete", "/v3/auth/role/delete", EtcdAccess.ByRequest, AuthRoleDeleteRequest.Parser,
            static (s, r, c) => s.RoleDelete(r, c)),
        Unary("/etcdserverpb.Auth/RoleGrantPermission", "/v3/auth/role/grant", EtcdAccess.ByRequest, AuthRoleGrantPermissionRequest.Parser,
            static (s, r, c) => s.RoleGrantPermission(r, c)),
        Unary("/etcdserverpb.Auth/RoleRevokePermission", "/v3/auth/role/revoke", EtcdAccess.ByRequest, AuthRoleRevokePermissionRequest.Parser,
            static (s, r, c) => s.RoleRevokePermission(r, c)),
    ];

    public static readonly ImmutableArray<EtcdStreamRpc> Streams =
    [
        Stream("/etcdserverpb.KV/RangeStream", null, EtcdAccess.ByRequest, RangeRequest.Parser, static (s, stream, c) => s.RangeStream(stream, c)),
        Stream("/etcdserverpb.Lease/LeaseKeepAlive", "/v3/lease/keepalive", EtcdAccess.ByRequest, LeaseKeepAliveRequest.Parser,
            static (s, stream, c) => s.LeaseKeepAlive(stream, c)),
        Stream("/v3electionpb.Election/Observe", "/v3/election/observe", EtcdAccess.ByRequest, LeaderRequest.Parser,
            static (s, stream, c) => s.Observe(stream, c)),
        Stream("/etcdserverpb.Maintenance/Snapshot", "/v3/maintenance/snapshot", EtcdAccess.Root, SnapshotRequest.Parser,
            static (s, stream, c) => s.Snapshot(stream, c)) with { AllowedOnLearner = true },
        Stream("/etcdserverpb.Watch/Watch", "/v3/watch", EtcdAccess.ByRequest, WatchRequest.Parser, static (s, stream, c) => s.Watch(stream, c)) with
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
        string path, string? jsonPath, EtcdAccess access, MessageParser<TRequest> parser,
        Func<EtcdService, IEtcdStream, EtcdCall, ValueTask<EtcdError?>> handler)
        where TRequest : class, IMessage<TRequest>, new() =>
        new(path, jsonPath, access, parser, new TRequest().Descriptor, handler);

    private static EtcdRpc Unary<TRequest>(
        string path, string jsonPath, EtcdAccess access, MessageParser<TRequest> parser,
        Func<EtcdService, TRequest, EtcdCall, ValueTask<EtcdResult>> handler)
        where TRequest : class, IMessage<TRequest>, new() =>
        new(path, jsonPath, access, parser, (service, request, call) => handler(service, (TRequest)request, call))
        {
            RequestType = new TRequest().Descriptor,
        };
}
