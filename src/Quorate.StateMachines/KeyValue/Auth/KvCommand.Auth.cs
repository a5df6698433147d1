using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

// Commands about users, and the envelope that says who sends a command.
public abstract partial record KvCommand
{
    /// <summary>A command about users, roles or tokens.</summary>
    public abstract record Auth : KvCommand
    {
        private protected Auth()
        {
        }
    }

    /// <summary>From now on requests are judged by who sends them. Refused without a user root that has the role root.</summary>
    public sealed record AuthEnable : Auth;

    /// <summary>From now on anybody may do anything. All tokens end.</summary>
    public sealed record AuthDisable : Auth;

    /// <summary>Adds a user without roles.</summary>
    /// <param name="Name">Who.</param>
    /// <param name="Password">See <see cref="KvUser.Password"/>.</param>
    /// <param name="HasPassword">See <see cref="KvUser.HasPassword"/>.</param>
    public sealed record UserAdd(string Name, ReadOnlyMemory<byte> Password, bool HasPassword) : Auth;

    /// <summary>Removes a user. Its tokens end.</summary>
    /// <param name="Name">Who.</param>
    public sealed record UserDelete(string Name) : Auth;

    /// <summary>Changes a user's password. Its tokens end. A user without a password stays so.</summary>
    /// <param name="Name">Who.</param>
    /// <param name="Password">See <see cref="KvUser.Password"/>.</param>
    public sealed record UserSetPassword(string Name, ReadOnlyMemory<byte> Password) : Auth;

    /// <summary>Gives a user a role. One that it has already changes nothing.</summary>
    /// <param name="User">Who.</param>
    /// <param name="Role">What; "root" need not exist.</param>
    public sealed record UserGrantRole(string User, string Role) : Auth;

    /// <summary>Takes a role from a user.</summary>
    /// <param name="User">From whom.</param>
    /// <param name="Role">What.</param>
    public sealed record UserRevokeRole(string User, string Role) : Auth;

    /// <summary>Adds a role that may do nothing.</summary>
    /// <param name="Name">Its name.</param>
    public sealed record RoleAdd(string Name) : Auth;

    /// <summary>Removes a role, from all users too.</summary>
    /// <param name="Name">Its name.</param>
    public sealed record RoleDelete(string Name) : Auth;

    /// <summary>Lets a role do something. A permission for the very same keys is replaced.</summary>
    /// <param name="Name">The role.</param>
    /// <param name="Permission">What it may do.</param>
    public sealed record RoleGrant(string Name, KvPermission Permission) : Auth;

    /// <summary>Takes back the permission for just these keys.</summary>
    /// <param name="Name">The role.</param>
    /// <param name="Key">As it was granted.</param>
    /// <param name="RangeEnd">As it was granted.</param>
    public sealed record RoleRevoke(string Name, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd) : Auth;

    /// <summary>Makes a token good. From a door that has compared the password; refused if it was changed since.</summary>
    /// <param name="User">Whose it is.</param>
    /// <param name="PasswordRevision">Of the password that was compared.</param>
    /// <param name="Hash">SHA-256 of the token, which itself is nowhere stored.</param>
    /// <param name="LifeMilliseconds">How long it is good without a renewal.</param>
    public sealed record TokenAdd(string User, long PasswordRevision, ReadOnlyMemory<byte> Hash, long LifeMilliseconds) : Auth;

    /// <summary>Keeps a token good for longer: it was used. One that is not there any more stays so.</summary>
    /// <param name="Hash">See <see cref="TokenAdd"/>.</param>
    /// <param name="LifeMilliseconds">How long it is good from now on, at least.</param>
    public sealed record TokenRenew(ReadOnlyMemory<byte> Hash, long LifeMilliseconds) : Auth;

    /// <summary>
    /// True if what a client may do by this command is decided where it is applied, or by the leader that judges it, so that it must say who sends it. The others are the
    /// cluster's own.
    /// </summary>
    /// <param name="payload">The payload of a command without a sender.</param>
    public static bool NeedsSender(ReadOnlySpan<byte> payload) =>
        KindOf(payload) is not (Kind.TokenAdd or Kind.TokenRenew or Kind.MemberPublish or Kind.MemberSeed);

    /// <summary>Appends a command's payload with its sender around it.</summary>
    /// <param name="writer">Gets the payload appended.</param>
    /// <param name="caller">Who sends it.</param>
    /// <param name="command">The payload of a command without a sender.</param>
    public static void EncodeFrom(ByteWriter writer, in KvCaller caller, ReadOnlySpan<byte> command)
    {
        writer.U8(Format);
        writer.U8((byte)Kind.From);
        writer.U8((byte)caller.Credential);
        writer.VarUInt((ulong)caller.Revision);
        writer.Text(caller.User);
        writer.Raw(command);
    }

    /// <summary>Takes the sender off a payload.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="caller">Who sends it; nobody if the payload does not say.</param>
    /// <returns>The command's own payload; empty, hence no command, if the envelope is broken.</returns>
    internal static ReadOnlySpan<byte> Unwrap(ReadOnlySpan<byte> payload, out KvCaller caller)
    {
        caller = KvCaller.Nobody;
        if (payload is not [Format, (byte)Kind.From, ..]) { return payload; }
        var reader = new ByteReader(payload[2..]);
        caller = new KvCaller((KvCredential)reader.U8(), Revision: (long)reader.VarUInt(), User: reader.Text());
        return reader.Raw(reader.Remaining);
    }

    private static void WriteAuth(ByteWriter writer, Auth command)
    {
        switch (command)
        {
            case AuthEnable:
                writer.U8((byte)Kind.AuthEnable);
                break;
            case AuthDisable:
                writer.U8((byte)Kind.AuthDisable);
                break;
            case UserAdd add:
                writer.U8((byte)Kind.UserAdd);
                writer.Text(add.Name);
                writer.Bytes(add.Password.Span);
                writer.Bool(add.HasPassword);
                break;
            case UserDelete delete:
                writer.U8((byte)Kind.UserDelete);
                writer.Text(delete.Name);
                break;
            case UserSetPassword set:
                writer.U8((byte)Kind.UserSetPassword);
                writer.Text(set.Name);
                writer.Bytes(set.Password.Span);
                break;
            case UserGrantRole grant:
                writer.U8((byte)Kind.UserGrantRole);
                writer.Text(grant.User);
                writer.Text(grant.Role);
                break;
            case UserRevokeRole revoke:
                writer.U8((byte)Kind.UserRevokeRole);
                writer.Text(revoke.User);
                writer.Text(revoke.Role);
                break;
            case RoleAdd add:
                writer.U8((byte)Kind.RoleAdd);
                writer.Text(add.Name);
                break;
            case RoleDelete delete:
                writer.U8((byte)Kind.RoleDelete);
                writer.Text(delete.Name);
                break;
            case RoleGrant grant:
                writer.U8((byte)Kind.RoleGrant);
                writer.Text(grant.Name);
                writer.VarInt((int)grant.Permission.Type);
                writer.Bytes(grant.Permission.Key.Span);
                writer.Bytes(grant.Permission.RangeEnd.Span);
                break;
            case RoleRevoke revoke:
                writer.U8((byte)Kind.RoleRevoke);
                writer.Text(revoke.Name);
                writer.Bytes(revoke.Key.Span);
                writer.Bytes(revoke.RangeEnd.Span);
                break;
            case TokenAdd add:
                writer.U8((byte)Kind.TokenAdd);
                writer.Text(add.User);
                writer.VarUInt((ulong)add.PasswordRevision);
                writer.Bytes(add.Hash.Span);
                writer.VarInt(add.LifeMilliseconds);
                break;
            case TokenRenew renew:
                writer.U8((byte)Kind.TokenRenew);
                writer.Bytes(renew.Hash.Span);
                writer.VarInt(renew.LifeMilliseconds);
                break;
            default:
                throw Invariant.Unreachable(command);
        }
    }

    private static Auth? ReadAuth(Kind kind, ref ByteReader reader, ReadOnlyMemory<byte> payload) => kind switch
    {
        Kind.AuthEnable => new AuthEnable(),
        Kind.AuthDisable => new AuthDisable(),
        Kind.UserAdd => new UserAdd(reader.Text(), Bytes(ref reader, payload), reader.Bool()),
        Kind.UserDelete => new UserDelete(reader.Text()),
        Kind.UserSetPassword => new UserSetPassword(reader.Text(), Bytes(ref reader, payload)),
        Kind.UserGrantRole => new UserGrantRole(reader.Text(), reader.Text()),
        Kind.UserRevokeRole => new UserRevokeRole(reader.Text(), reader.Text()),
        Kind.RoleAdd => new RoleAdd(reader.Text()),
        Kind.RoleDelete => new RoleDelete(reader.Text()),
        Kind.RoleGrant => new RoleGrant(
            reader.Text(),
            new KvPermission((KvPermissionType)Int32(ref reader), Bytes(ref reader, payload), Bytes(ref reader, payload))),
        Kind.RoleRevoke => new RoleRevoke(reader.Text(), Bytes(ref reader, payload), Bytes(ref reader, payload)),
        Kind.TokenAdd => new TokenAdd(reader.Text(), (long)reader.VarUInt(), Bytes(ref reader, payload), reader.VarInt()),
        Kind.TokenRenew => new TokenRenew(Bytes(ref reader, payload), reader.VarInt()),
        _ => null,
    };
}
