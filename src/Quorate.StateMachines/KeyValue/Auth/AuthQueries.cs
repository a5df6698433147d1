using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Reads of users, roles and tokens from a view; as <see cref="KvQueries"/>.</summary>
public static class AuthQueries
{
    /// <summary>Whether requests are judged, and by which users and roles.</summary>
    public static KvAuthState State(IStoreReader view) => AuthStore.ReadState(view);

    /// <summary>A user, or null if there is none of that name.</summary>
    public static KvUser? User(IStoreReader view, string name) => AuthStore.FindUser(view, name);

    /// <summary>All users, in order of the bytes of their names.</summary>
    public static ImmutableArray<KvUser> Users(IStoreReader view) => AuthStore.ReadUsers(view);

    /// <summary>A role, or null if there is none of that name.</summary>
    public static KvRole? Role(IStoreReader view, string name) => AuthStore.FindRole(view, name);

    /// <summary>All roles, in order of the bytes of their names.</summary>
    public static ImmutableArray<KvRole> Roles(IStoreReader view) => AuthStore.ReadRoles(view);

    /// <summary>The token of a hash (SHA-256 of its bytes), or null if there is none, or its time is up.</summary>
    public static KvToken? Token(IStoreReader view, ReadOnlySpan<byte> hash) => AuthStore.FindToken(view, hash);
}
