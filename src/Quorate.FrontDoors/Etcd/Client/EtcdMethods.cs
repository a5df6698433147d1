using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.FrontDoors.Etcd.Client;

/// <summary>An RPC: where it is and what it answers.</summary>
/// <param name="Path"><c>/package.Service/Method</c>.</param>
/// <param name="Parser">Reads the answer.</param>
/// <param name="IsReadOnly">True of a request that changes nothing, however often it is carried out. Null: none is such.</param>
/// <typeparam name="TRequest">What is sent.</typeparam>
/// <typeparam name="TResponse">What comes back.</typeparam>
public sealed record EtcdMethod<TRequest, TResponse>(
    string Path, MessageParser<TResponse> Parser, Func<TRequest, bool>? IsReadOnly = null)
    where TRequest : IMessage<TRequest>
    where TResponse : IMessage<TResponse>;

/// <summary>The RPCs that our tools call. To add one: a line here.</summary>
public static class EtcdMethods
{
    /// <summary>Reads keys.</summary>
    public static EtcdMethod<RangeRequest, RangeResponse> Range { get; } =
        new("/etcdserverpb.KV/Range", RangeResponse.Parser, static _ => true);

    /// <summary>Reads keys in parts; a stream.</summary>
    public static EtcdMethod<RangeRequest, RangeStreamResponse> RangeStream { get; } =
        new("/etcdserverpb.KV/RangeStream", RangeStreamResponse.Parser, static _ => true);

    /// <summary>Writes one key.</summary>
    public static EtcdMethod<PutRequest, PutResponse> Put { get; } = new("/etcdserverpb.KV/Put", PutResponse.Parser);

    /// <summary>Deletes keys.</summary>
    public static EtcdMethod<DeleteRangeRequest, DeleteRangeResponse> DeleteRange { get; } =
        new("/etcdserverpb.KV/DeleteRange", DeleteRangeResponse.Parser);

    /// <summary>Compares, then reads and writes at one revision.</summary>
    public static EtcdMethod<TxnRequest, TxnResponse> Txn { get; } =
        new("/etcdserverpb.KV/Txn", TxnResponse.Parser, IsReadOnlyTxn);

    /// <summary>Forgets revisions.</summary>
    public static EtcdMethod<CompactionRequest, CompactionResponse> Compact { get; } =
        new("/etcdserverpb.KV/Compact", CompactionResponse.Parser);

    /// <summary>Tells of changes; a stream both ways.</summary>
    public static EtcdMethod<WatchRequest, WatchResponse> Watch { get; } = new("/etcdserverpb.Watch/Watch", WatchResponse.Parser);

    /// <summary>State of the member asked.</summary>
    public static EtcdMethod<StatusRequest, StatusResponse> Status { get; } =
        new("/etcdserverpb.Maintenance/Status", StatusResponse.Parser, static _ => true);

    /// <summary>A member's whole keyspace, or the changes since a revision, in our own format; its SHA-256 last.</summary>
    public static EtcdMethod<SnapshotRequest, SnapshotResponse> Snapshot { get; } =
        new("/etcdserverpb.Maintenance/Snapshot", SnapshotResponse.Parser, static _ => true);

    /// <summary>Alarms of the cluster.</summary>
    public static EtcdMethod<AlarmRequest, AlarmResponse> Alarm { get; } =
        new("/etcdserverpb.Maintenance/Alarm", AlarmResponse.Parser, static r => r.Action == AlarmRequest.Types.AlarmAction.Get);

    /// <summary>Members of the cluster.</summary>
    public static EtcdMethod<MemberListRequest, MemberListResponse> MemberList { get; } =
        new("/etcdserverpb.Cluster/MemberList", MemberListResponse.Parser, static _ => true);

    /// <summary>Creates a keyspace.</summary>
    public static EtcdMethod<KeyspaceCreateRequest, KeyspaceResponse> KeyspaceCreate { get; } =
        new("/keyspacepb.Keyspaces/Create", KeyspaceResponse.Parser);

    /// <summary>Changes a keyspace's options.</summary>
    public static EtcdMethod<KeyspaceUpdateRequest, KeyspaceResponse> KeyspaceUpdate { get; } =
        new("/keyspacepb.Keyspaces/Update", KeyspaceResponse.Parser);

    /// <summary>Deletes a keyspace and all it holds.</summary>
    public static EtcdMethod<KeyspaceDeleteRequest, KeyspaceResponse> KeyspaceDelete { get; } =
        new("/keyspacepb.Keyspaces/Delete", KeyspaceResponse.Parser);

    /// <summary>All keyspaces, and what the member asked sees of them.</summary>
    public static EtcdMethod<KeyspaceListRequest, KeyspaceListResponse> KeyspaceList { get; } =
        new("/keyspacepb.Keyspaces/List", KeyspaceListResponse.Parser, static _ => true);

    /// <summary>Adds a member.</summary>
    public static EtcdMethod<MemberAddRequest, MemberAddResponse> MemberAdd { get; } =
        new("/etcdserverpb.Cluster/MemberAdd", MemberAddResponse.Parser);

    /// <summary>Gives a learner its vote.</summary>
    public static EtcdMethod<MemberPromoteRequest, MemberPromoteResponse> MemberPromote { get; } =
        new("/etcdserverpb.Cluster/MemberPromote", MemberPromoteResponse.Parser);

    /// <summary>Changes where peers reach a member.</summary>
    public static EtcdMethod<MemberUpdateRequest, MemberUpdateResponse> MemberUpdate { get; } =
        new("/etcdserverpb.Cluster/MemberUpdate", MemberUpdateResponse.Parser);

    /// <summary>Removes a member.</summary>
    public static EtcdMethod<MemberRemoveRequest, MemberRemoveResponse> MemberRemove { get; } =
        new("/etcdserverpb.Cluster/MemberRemove", MemberRemoveResponse.Parser);

    /// <summary>Hands leadership over; only the leader does.</summary>
    public static EtcdMethod<MoveLeaderRequest, MoveLeaderResponse> MoveLeader { get; } =
        new("/etcdserverpb.Maintenance/MoveLeader", MoveLeaderResponse.Parser);

    /// <summary>Creates a lease.</summary>
    public static EtcdMethod<LeaseGrantRequest, LeaseGrantResponse> LeaseGrant { get; } =
        new("/etcdserverpb.Lease/LeaseGrant", LeaseGrantResponse.Parser);

    /// <summary>Ends a lease.</summary>
    public static EtcdMethod<LeaseRevokeRequest, LeaseRevokeResponse> LeaseRevoke { get; } =
        new("/etcdserverpb.Lease/LeaseRevoke", LeaseRevokeResponse.Parser);

    /// <summary>Renews leases; a stream.</summary>
    public static EtcdMethod<LeaseKeepAliveRequest, LeaseKeepAliveResponse> LeaseKeepAlive { get; } =
        new("/etcdserverpb.Lease/LeaseKeepAlive", LeaseKeepAliveResponse.Parser);

    /// <summary>A lease, and its keys.</summary>
    public static EtcdMethod<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse> LeaseTimeToLive { get; } =
        new("/etcdserverpb.Lease/LeaseTimeToLive", LeaseTimeToLiveResponse.Parser, static _ => true);

    /// <summary>All leases.</summary>
    public static EtcdMethod<LeaseLeasesRequest, LeaseLeasesResponse> LeaseLeases { get; } =
        new("/etcdserverpb.Lease/LeaseLeases", LeaseLeasesResponse.Parser, static _ => true);

    /// <summary>Acquires a lock; waits for it as long as the call may last.</summary>
    public static EtcdMethod<LockRequest, LockResponse> Lock { get; } = new("/v3lockpb.Lock/Lock", LockResponse.Parser);

    /// <summary>Releases a lock.</summary>
    public static EtcdMethod<UnlockRequest, UnlockResponse> Unlock { get; } = new("/v3lockpb.Lock/Unlock", UnlockResponse.Parser);

    /// <summary>Becomes leader; waits for it as long as the call may last.</summary>
    public static EtcdMethod<CampaignRequest, CampaignResponse> Campaign { get; } =
        new("/v3electionpb.Election/Campaign", CampaignResponse.Parser);

    /// <summary>Changes what a leader says.</summary>
    public static EtcdMethod<ProclaimRequest, ProclaimResponse> Proclaim { get; } =
        new("/v3electionpb.Election/Proclaim", ProclaimResponse.Parser);

    /// <summary>Who leads.</summary>
    public static EtcdMethod<LeaderRequest, LeaderResponse> Leader { get; } =
        new("/v3electionpb.Election/Leader", LeaderResponse.Parser, static _ => true);

    /// <summary>Who leads and what leaders say, as it changes; a stream.</summary>
    public static EtcdMethod<LeaderRequest, LeaderResponse> Observe { get; } =
        new("/v3electionpb.Election/Observe", LeaderResponse.Parser, static _ => true);

    /// <summary>Leads no more.</summary>
    public static EtcdMethod<ResignRequest, ResignResponse> Resign { get; } =
        new("/v3electionpb.Election/Resign", ResignResponse.Parser);

    /// <summary>Asks for users from now on.</summary>
    public static EtcdMethod<AuthEnableRequest, AuthEnableResponse> AuthEnable { get; } =
        new("/etcdserverpb.Auth/AuthEnable", AuthEnableResponse.Parser);

    /// <summary>Asks for users no more.</summary>
    public static EtcdMethod<AuthDisableRequest, AuthDisableResponse> AuthDisable { get; } =
        new("/etcdserverpb.Auth/AuthDisable", AuthDisableResponse.Parser);

    /// <summary>Whether users are asked for.</summary>
    public static EtcdMethod<AuthStatusRequest, AuthStatusResponse> AuthStatus { get; } =
        new("/etcdserverpb.Auth/AuthStatus", AuthStatusResponse.Parser, static _ => true);

    /// <summary>Gives a token for a password; one more does no harm.</summary>
    public static EtcdMethod<AuthenticateRequest, AuthenticateResponse> Authenticate { get; } =
        new("/etcdserverpb.Auth/Authenticate", AuthenticateResponse.Parser, static _ => true);

    /// <summary>Adds a user.</summary>
    public static EtcdMethod<AuthUserAddRequest, AuthUserAddResponse> UserAdd { get; } =
        new("/etcdserverpb.Auth/UserAdd", AuthUserAddResponse.Parser);

    /// <summary>A user's roles.</summary>
    public static EtcdMethod<AuthUserGetRequest, AuthUserGetResponse> UserGet { get; } =
        new("/etcdserverpb.Auth/UserGet", AuthUserGetResponse.Parser, static _ => true);

    /// <summary>All users.</summary>
    public static EtcdMethod<AuthUserListRequest, AuthUserListResponse> UserList { get; } =
        new("/etcdserverpb.Auth/UserList", AuthUserListResponse.Parser, static _ => true);

    /// <summary>Deletes a user.</summary>
    public static EtcdMethod<AuthUserDeleteRequest, AuthUserDeleteResponse> UserDelete { get; } =
        new("/etcdserverpb.Auth/UserDelete", AuthUserDeleteResponse.Parser);

    /// <summary>Changes a user's password.</summary>
    public static EtcdMethod<AuthUserChangePasswordRequest, AuthUserChangePasswordResponse> UserChangePassword { get; } =
        new("/etcdserverpb.Auth/UserChangePassword", AuthUserChangePasswordResponse.Parser);

    /// <summary>Gives a user a role.</summary>
    public static EtcdMethod<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse> UserGrantRole { get; } =
        new("/etcdserverpb.Auth/UserGrantRole", AuthUserGrantRoleResponse.Parser);

    /// <summary>Takes a role from a user.</summary>
    public static EtcdMethod<AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse> UserRevokeRole { get; } =
        new("/etcdserverpb.Auth/UserRevokeRole", AuthUserRevokeRoleResponse.Parser);

    /// <summary>Adds a role.</summary>
    public static EtcdMethod<AuthRoleAddRequest, AuthRoleAddResponse> RoleAdd { get; } =
        new("/etcdserverpb.Auth/RoleAdd", AuthRoleAddResponse.Parser);

    /// <summary>A role's permissions.</summary>
    public static EtcdMethod<AuthRoleGetRequest, AuthRoleGetResponse> RoleGet { get; } =
        new("/etcdserverpb.Auth/RoleGet", AuthRoleGetResponse.Parser, static _ => true);

    /// <summary>All roles.</summary>
    public static EtcdMethod<AuthRoleListRequest, AuthRoleListResponse> RoleList { get; } =
        new("/etcdserverpb.Auth/RoleList", AuthRoleListResponse.Parser, static _ => true);

    /// <summary>Deletes a role.</summary>
    public static EtcdMethod<AuthRoleDeleteRequest, AuthRoleDeleteResponse> RoleDelete { get; } =
        new("/etcdserverpb.Auth/RoleDelete", AuthRoleDeleteResponse.Parser);

    /// <summary>Gives a role a permission.</summary>
    public static EtcdMethod<AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse> RoleGrantPermission { get; } =
        new("/etcdserverpb.Auth/RoleGrantPermission", AuthRoleGrantPermissionResponse.Parser);

    /// <summary>Takes a permission from a role.</summary>
    public static EtcdMethod<AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse> RoleRevokePermission { get; } =
        new("/etcdserverpb.Auth/RoleRevokePermission", AuthRoleRevokePermissionResponse.Parser);

    private static bool IsReadOnlyTxn(TxnRequest request) =>
        request.Success.Concat(request.Failure).All(static op => op.RequestCase switch
        {
            RequestOp.RequestOneofCase.RequestRange => true,
            RequestOp.RequestOneofCase.RequestTxn => IsReadOnlyTxn(op.RequestTxn),
            _ => false,
        });
}
