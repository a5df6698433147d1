using System.Collections.Immutable;
using System.Text;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Users, roles, permissions and tokens of one store: judges commands, and executes those that change users.</summary>
internal sealed class AuthBook
{
    private readonly KvAccessCache _access = new();
    private readonly TokenBook _tokens = new();
    private KvAuthState _state;

    /// <summary>If not, commands need not be judged.</summary>
    public bool IsEnabled => _state.IsEnabled;

    /// <summary>As <see cref="IStateMachine.NextDeadline"/>, of tokens.</summary>
    public long? NextDeadline => _tokens.NextDeadline;

    public void Open(IStoreReader store)
    {
        _state = AuthStore.ReadState(store);
        _access.Forget();
        _tokens.Open(store);
    }

    public void EndDue(long due, IStoreWriter store) => _tokens.EndDue(due, store);

    public KvRefusal Check(IStoreReader store, in KvCaller caller, KvCommand command) =>
        AccessRules.Check(store, _state, caller, UserOf(store, caller), command);

    public KvRefusal Check(IStoreReader store, in KvCaller caller, in KvNeeds needs) =>
        AccessRules.Check(store, _state, caller, UserOf(store, caller), needs);

    public KvRefusal Check(IStoreReader store, in KvCaller caller, scoped in KvCommand.PutFields put) =>
        AccessRules.Check(store, _state, caller, UserOf(store, caller), put);

    /// <summary>Executes a command. Rules and their order are etcd's.</summary>
    /// <returns>None if it was done, or there was nothing to do; else nothing was done.</returns>
    public KvRefusal Apply(KvCommand.Auth command, long clock, IStoreWriter store)
    {
        switch (command)
        {
            case KvCommand.AuthEnable:
                return Enable(store);
            case KvCommand.AuthDisable:
                return Disable(store);
            case KvCommand.UserAdd add:
                return AddUser(add, store);
            case KvCommand.UserDelete delete:
                return DeleteUser(delete.Name, store);
            case KvCommand.UserSetPassword set:
                return SetPassword(set, store);
            case KvCommand.UserGrantRole grant:
                return GrantRole(grant.User, grant.Role, store);
            case KvCommand.UserRevokeRole revoke:
                return RevokeRole(revoke.User, revoke.Role, store);
            case KvCommand.RoleAdd add:
                return AddRole(add.Name, store);
            case KvCommand.RoleDelete delete:
                return DeleteRole(delete.Name, store);
            case KvCommand.RoleGrant grant:
                return GrantPermission(grant.Name, grant.Permission, store);
            case KvCommand.RoleRevoke revoke:
                return RevokePermission(revoke, store);
            case KvCommand.TokenAdd add:
                return AddToken(add, clock, store);
            case KvCommand.TokenRenew renew:
                TokenBook.Renew(renew, clock, store);
                return KvRefusal.None;
            default:
                throw Invariant.Unreachable(command);
        }
    }

    private KvUserAccess? UserOf(IStoreReader store, in KvCaller caller) =>
        caller.User.Length == 0 ? null : _access.Find(store, _state.Revision, caller.User);

    private KvRefusal Enable(IStoreWriter store)
    {
        if (_state.IsEnabled) { return KvRefusal.None; }
        if (AuthStore.FindUser(store, KvUser.Root) is not { } root) { return KvRefusal.RootUserMissing; }
        if (!root.IsRoot) { return KvRefusal.RootRoleMissing; }
        SetState(_state with { IsEnabled = true }, store);
        return KvRefusal.None;
    }

    private KvRefusal Disable(IStoreWriter store)
    {
        if (!_state.IsEnabled) { return KvRefusal.None; }
        long revision = _state.Revision + 1;
        SetState(new KvAuthState(IsEnabled: false, revision, TokensSince: revision), store);
        return KvRefusal.None;
    }

    private KvRefusal AddUser(KvCommand.UserAdd add, IStoreWriter store)
    {
        if (add.Name.Length == 0) { return KvRefusal.UserNameEmpty; }
        if (AuthStore.FindUser(store, add.Name) is not null) { return KvRefusal.UserExists; }
        Changed(store);
        AuthStore.WriteUser(store, new KvUser(add.Name, add.Password, add.HasPassword, _state.Revision, []));
        return KvRefusal.None;
    }

    private KvRefusal DeleteUser(string name, IStoreWriter store)
    {
        if (_state.IsEnabled && name == KvUser.Root) { return KvRefusal.InvalidAuthManagement; }
        if (AuthStore.FindUser(store, name) is null) { return KvRefusal.UserNotFound; }
        AuthStore.DeleteUser(store, name);
        Changed(store);
        return KvRefusal.None;
    }

    private KvRefusal SetPassword(KvCommand.UserSetPassword set, IStoreWriter store)
    {
        if (AuthStore.FindUser(store, set.Name) is not { } user) { return KvRefusal.UserNotFound; }
        Changed(store);
        AuthStore.WriteUser(store, user with { Password = user.HasPassword ? set.Password : default, PasswordRevision = _state.Revision });
        return KvRefusal.None;
    }

    private KvRefusal GrantRole(string name, string role, IStoreWriter store)
    {
        if (AuthStore.FindUser(store, name) is not { } user) { return KvRefusal.UserNotFound; }
        if (role != KvUser.Root && AuthStore.FindRole(store, role) is null) { return KvRefusal.RoleNotFound; }
        if (user.Roles.Contains(role)) { return KvRefusal.None; }
        AuthStore.WriteUser(store, user with { Roles = [.. user.Roles.Add(role).OrderBy(static name => name, ByBytes)] });
        Changed(store);
        return KvRefusal.None;
    }

    private KvRefusal RevokeRole(string name, string role, IStoreWriter store)
    {
        if (_state.IsEnabled && name == KvUser.Root && role == KvUser.Root) { return KvRefusal.InvalidAuthManagement; }
        if (AuthStore.FindUser(store, name) is not { } user) { return KvRefusal.UserNotFound; }
        if (!user.Roles.Contains(role)) { return KvRefusal.RoleNotGranted; }
        AuthStore.WriteUser(store, user with { Roles = user.Roles.Remove(role) });
        Changed(store);
        return KvRefusal.None;
    }

    private KvRefusal AddRole(string name, IStoreWriter store)
    {
        if (name.Length == 0) { return KvRefusal.RoleNameEmpty; }
        if (AuthStore.FindRole(store, name) is not null) { return KvRefusal.RoleExists; }
        AuthStore.WriteRole(store, new KvRole(name, []));
        Changed(store);
        return KvRefusal.None;
    }

    private KvRefusal DeleteRole(string name, IStoreWriter store)
    {
        if (_state.IsEnabled && name == KvUser.Root) { return KvRefusal.InvalidAuthManagement; }
        if (AuthStore.FindRole(store, name) is null) { return KvRefusal.RoleNotFound; }
        AuthStore.DeleteRole(store, name);
        foreach (KvUser user in AuthStore.ReadUsers(store))
        {
            if (user.Roles.Contains(name)) { AuthStore.WriteUser(store, user with { Roles = user.Roles.Remove(name) }); }
        }

        Changed(store);
        return KvRefusal.None;
    }

    private KvRefusal GrantPermission(string name, KvPermission permission, IStoreWriter store)
    {
        if (!permission.IsValid) { return KvRefusal.InvalidAuthManagement; }
        if (AuthStore.FindRole(store, name) is not { } role) { return KvRefusal.RoleNotFound; }
        IEnumerable<KvPermission> others = role.Permissions.Where(other => !other.HasKeysOf(permission));
        ImmutableArray<KvPermission> permissions = [.. others.Append(permission).Order(ByKeys)];
        AuthStore.WriteRole(store, role with { Permissions = permissions });
        Changed(store);
        return KvRefusal.None;
    }

    private KvRefusal RevokePermission(KvCommand.RoleRevoke revoke, IStoreWriter store)
    {
        if (AuthStore.FindRole(store, revoke.Name) is not { } role) { return KvRefusal.RoleNotFound; }
        var revoked = new KvPermission(default, revoke.Key, revoke.RangeEnd);
        ImmutableArray<KvPermission> others = [.. role.Permissions.Where(other => !other.HasKeysOf(revoked))];
        if (others.Length == role.Permissions.Length) { return KvRefusal.PermissionNotGranted; }
        AuthStore.WriteRole(store, role with { Permissions = others });
        Changed(store);
        return KvRefusal.None;
    }

    private KvRefusal AddToken(KvCommand.TokenAdd add, long clock, IStoreWriter store)
    {
        if (add.Hash.Length != AuthStore.HashBytes) { return KvRefusal.Malformed; }
        if (!_state.IsEnabled) { return KvRefusal.AuthNotEnabled; }
        if (AuthStore.FindUser(store, add.User) is not { HasPassword: true } user) { return KvRefusal.AuthFailed; }

        // The password was compared before the command was proposed, and may have been changed since.
        if (user.PasswordRevision != add.PasswordRevision) { return KvRefusal.OldAuthRevision; }
        _tokens.Add(add, _state.Revision, clock, store);
        return KvRefusal.None;
    }

    private void Changed(IStoreWriter store) => SetState(_state with { Revision = _state.Revision + 1 }, store);

    private void SetState(KvAuthState state, IStoreWriter store)
    {
        _state = state;
        AuthStore.WriteState(store, state);
    }

    private static Comparer<string> ByBytes { get; } = Comparer<string>.Create(
        static (left, right) => Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right)));

    private static Comparer<KvPermission> ByKeys { get; } = Comparer<KvPermission>.Create(static (left, right) =>
    {
        int order = left.Key.Span.SequenceCompareTo(right.Key.Span);
        return order != 0 ? order : left.RangeEnd.Span.SequenceCompareTo(right.RangeEnd.Span);
    });
}
