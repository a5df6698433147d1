using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>What a user may do, by all its roles together. Does not change: it is of one revision of users and roles.</summary>
public sealed class KvUserAccess
{
    private readonly KeyIntervals _read;
    private readonly KeyIntervals _write;

    /// <param name="user">The user.</param>
    /// <param name="permissions">Those of all its roles.</param>
    public KvUserAccess(KvUser user, ImmutableArray<KvPermission> permissions)
    {
        ArgumentNullException.ThrowIfNull(user);
        IsRoot = user.IsRoot;
        PasswordRevision = user.PasswordRevision;
        _read = new KeyIntervals(permissions.Where(static permission => permission.Allows(KvPermissionType.Read)));
        _write = new KeyIntervals(permissions.Where(static permission => permission.Allows(KvPermissionType.Write)));
    }

    /// <summary>May do everything.</summary>
    public bool IsRoot { get; }

    /// <summary>As <see cref="KvUser.PasswordRevision"/>.</summary>
    public long PasswordRevision { get; }

    /// <summary>True if all keys of the range may be read.</summary>
    public bool MayRead(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) => IsRoot || _read.Cover(key, rangeEnd);

    /// <summary>The same for writing.</summary>
    public bool MayWrite(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) => IsRoot || _write.Cover(key, rangeEnd);
}

/// <summary>Remembers what users may do, as long as neither users nor roles change. One thread at a time.</summary>
public sealed class KvAccessCache
{
    private readonly Dictionary<string, KvUserAccess?> _users = new(StringComparer.Ordinal);
    private long _revision = -1;

    // Names that a certificate gives and nobody has added count too: they must not fill the memory.
    private const int MostUsers = 10_000;

    /// <summary>What a user may do; null if there is no such user.</summary>
    /// <param name="store">The state.</param>
    /// <param name="revision">Its <see cref="KvAuthState.Revision"/>.</param>
    /// <param name="name">The user.</param>
    public KvUserAccess? Find(IStoreReader store, long revision, string name)
    {
        if (_revision != revision || _users.Count >= MostUsers) { _users.Clear(); }
        _revision = revision;
        if (!_users.TryGetValue(name, out KvUserAccess? access))
        {
            access = Read(store, name);
            _users.Add(name, access);
        }

        return access;
    }

    /// <summary>The store was replaced: nothing known of it holds any more.</summary>
    public void Forget() => _revision = -1;

    private static KvUserAccess? Read(IStoreReader store, string name)
    {
        if (AuthStore.FindUser(store, name) is not { } user) { return null; }
        return new KvUserAccess(user, [.. user.Roles.SelectMany(role => AuthStore.FindRole(store, role)?.Permissions ?? [])]);
    }
}
