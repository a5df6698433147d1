using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>All RPCs of etcd's protocol, from the protocol's own description, with the gateway's paths of etcd 3.4.</summary>
internal static class RpcTable
{
    private static readonly FrozenDictionary<string, string> JsonPaths = new Dictionary<string, string>
    {
        ["Range"] = "/v3/kv/range",
        ["Put"] = "/v3/kv/put",
        ["DeleteRange"] = "/v3/kv/deleterange",
        ["Txn"] = "/v3/kv/txn",
        ["Compact"] = "/v3/kv/compaction",
        ["Watch"] = "/v3/watch",
        ["LeaseGrant"] = "/v3/lease/grant",
        ["LeaseRevoke"] = "/v3/lease/revoke",
        ["LeaseKeepAlive"] = "/v3/lease/keepalive",
        ["LeaseTimeToLive"] = "/v3/lease/timetolive",
        ["LeaseLeases"] = "/v3/lease/leases",
        ["Lock"] = "/v3/lock/lock",
        ["Unlock"] = "/v3/lock/unlock",
        ["Campaign"] = "/v3/election/campaign",
        ["Proclaim"] = "/v3/election/proclaim",
        ["Leader"] = "/v3/election/leader",
        ["Observe"] = "/v3/election/observe",
        ["Resign"] = "/v3/election/resign",
        ["MemberAdd"] = "/v3/cluster/member/add",
        ["MemberRemove"] = "/v3/cluster/member/remove",
        ["MemberUpdate"] = "/v3/cluster/member/update",
        ["MemberList"] = "/v3/cluster/member/list",
        ["MemberPromote"] = "/v3/cluster/member/promote",
        ["Alarm"] = "/v3/maintenance/alarm",
        ["Status"] = "/v3/maintenance/status",
        ["Defragment"] = "/v3/maintenance/defragment",
        ["Hash"] = "/v3/maintenance/hash",
        ["HashKV"] = "/v3/maintenance/hash",
        ["Snapshot"] = "/v3/maintenance/snapshot",
        ["Downgrade"] = "/v3/maintenance/downgrade",
        ["MoveLeader"] = "/v3/maintenance/transfer-leadership",
        ["AuthEnable"] = "/v3/auth/enable",
        ["AuthDisable"] = "/v3/auth/disable",
        ["AuthStatus"] = "/v3/auth/status",
        ["Authenticate"] = "/v3/auth/authenticate",
        ["UserAdd"] = "/v3/auth/user/add",
        ["UserGet"] = "/v3/auth/user/get",
        ["UserList"] = "/v3/auth/user/list",
        ["UserDelete"] = "/v3/auth/user/delete",
        ["UserChangePassword"] = "/v3/auth/user/changepw",
        ["UserGrantRole"] = "/v3/auth/user/grant",
        ["UserRevokeRole"] = "/v3/auth/user/revoke",
        ["RoleAdd"] = "/v3/auth/role/add",
        ["RoleGet"] = "/v3/auth/role/get",
        ["RoleList"] = "/v3/auth/role/list",
        ["RoleDelete"] = "/v3/auth/role/delete",
        ["RoleGrantPermission"] = "/v3/auth/role/grant",
        ["RoleRevokePermission"] = "/v3/auth/role/revoke",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, MethodDescriptor> Methods =
        new[] { RpcReflection.Descriptor, LockReflection.Descriptor, ElectionReflection.Descriptor }
            .SelectMany(static file => file.Services)
            .SelectMany(static service => service.Methods)
            .ToFrozenDictionary(static method => method.Name);

    /// <summary>Names of fields that are bytes wherever they occur: shown as text.</summary>
    public static FrozenSet<string> BytesFields { get; } = AllFields(static f => f.FieldType == FieldType.Bytes)
        .Except(AllFields(static f => f.FieldType != FieldType.Bytes)).ToFrozenSet();

    public static MethodDescriptor Method(string rpc) =>
        Methods.TryGetValue(rpc, out MethodDescriptor? method) ? method : throw new ArgumentException($"no RPC {rpc}");

    public static string Path(string rpc) => $"/{Method(rpc).Service.FullName}/{rpc}";

    /// <summary>The gateway's path; null if it has none.</summary>
    public static string? JsonPath(string rpc) => JsonPaths.GetValueOrDefault(rpc);

    private static IEnumerable<string> AllFields(Func<FieldDescriptor, bool> which) =>
        new[] { RpcReflection.Descriptor, LockReflection.Descriptor, ElectionReflection.Descriptor, KvReflection.Descriptor, AuthReflection.Descriptor }
            .SelectMany(static file => file.MessageTypes)
            .SelectMany(static type => type.Fields.InFieldNumberOrder())
            .Where(which)
            .Select(static field => field.Name);
}
