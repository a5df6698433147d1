namespace Quorate.StateMachines.KeyValue;

/// <summary>How a caller has shown who it is. The numbers are part of the command's format.</summary>
public enum KvCredential : byte
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>By a token that is in the state; good until the user's password changes.</summary>
    Token = 1,

    /// <summary>By a signed token; good at the one revision of users and roles that it names.</summary>
    SignedToken = 2,

    /// <summary>By a certificate with the user's name.</summary>
    Certificate = 3,

    /// <summary>It is a member of the cluster itself, which may do everything.</summary>
    Member = 4,
}

/// <summary>Who sent a request, as a door found out. It travels with a command, so that what it may do is decided where the command is applied.</summary>
/// <param name="Credential">How the door knows.</param>
/// <param name="User">The name; empty if there is none.</param>
/// <param name="Revision">The revision of the token. 0 for other credentials.</param>
public readonly record struct KvCaller(KvCredential Credential, string User, long Revision)
{
    /// <summary>Nobody has said who it is.</summary>
    public static KvCaller Nobody => new(KvCredential.None, "", 0);

    /// <summary>The cluster itself.</summary>
    public static KvCaller Member => new(KvCredential.Member, "", 0);
}
