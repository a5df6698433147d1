using System.Collections.Immutable;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Whether requests are judged by who sent them, and how often users and roles were changed.</summary>
/// <param name="IsEnabled">If not, anybody may do anything.</param>
/// <param name="Revision">1 on a new store; one more for each change of users, roles or permissions, and for disabling.</param>
/// <param name="TokensSince">Tokens made at an earlier revision are not good any more.</param>
public readonly record struct KvAuthState(bool IsEnabled, long Revision, long TokensSince);

/// <summary>A user.</summary>
/// <param name="Name">Not empty.</param>
/// <param name="Password">What a door made of the password; the machine never looks into it. Empty: no password is right.</param>
/// <param name="HasPassword">False for users that only certificates can be.</param>
/// <param name="PasswordRevision">The revision at which the user got the password. Older tokens of that name are not good.</param>
/// <param name="Roles">In order of their bytes.</param>
public sealed record KvUser(
    string Name, ReadOnlyMemory<byte> Password, bool HasPassword, long PasswordRevision, ImmutableArray<string> Roles)
{
    /// <summary>The name of the user that must exist while users are asked for, and of the role that may do everything.</summary>
    public const string Root = "root";

    /// <summary>True if the user may do everything.</summary>
    public bool IsRoot => Roles.Contains(Root);
}

/// <summary>A role.</summary>
/// <param name="Name">Not empty.</param>
/// <param name="Permissions">In order of key, then of range end.</param>
public sealed record KvRole(string Name, ImmutableArray<KvPermission> Permissions);

/// <summary>A token that was given to a user. The token itself is not stored, only its hash.</summary>
/// <param name="User">Whose.</param>
/// <param name="Revision">The revision of <see cref="KvAuthState"/> when it was made.</param>
/// <param name="Deadline">When it ends, in milliseconds of the shard's clock.</param>
/// <param name="LookAt">Its time on the agenda; at most the deadline, which only moves on.</param>
public sealed record KvToken(string User, long Revision, long Deadline, long LookAt);
