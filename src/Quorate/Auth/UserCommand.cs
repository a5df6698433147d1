using System.CommandLine;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Auth;

/// <summary><c>quorate user add|list|get|delete|passwd|grant-role|revoke-role</c>.</summary>
internal static class UserCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "user", "Manage users. They are asked for once 'quorate auth enable' was done.",
        "quorate user add alice", "quorate user grant-role alice readers", "quorate kv get greeting --user alice")
    {
        Add(), List(), Get(), Delete(), Password(), GrantRole(), RevokeRole(),
    };

    private static Verb Add()
    {
        Argument<string> user = AuthVerb.Name("name[:password]", "The user; the name ends at the first colon.");
        var noPassword = new Option<bool>("--no-password") { Description = "It shows itself by a certificate only." };
        return new Verb(
            "add", "Add a user. Without a password it is asked for on the terminal, else read from the standard input. Exit code 3 if the user exists.",
            "quorate user add alice", "quorate user add alice --no-password")
        {
            user, noPassword,
        }.With(
            EtcdMethods.UserAdd,
            parsed =>
            {
                (string name, string? password) = Passwords.Split(parsed.GetValue(user)!);
                bool hasPassword = !parsed.GetValue(noPassword);
                if (!hasPassword && password is not null) { throw new CliException(ExitCode.Usage, "give either a password or --no-password. Nothing was done."); }
                return new AuthUserAddRequest
                {
                    Name = name,
                    Password = hasPassword ? password ?? Passwords.New(name) : "",
                    Options = new UserAddOptions { NoPassword = !hasPassword },
                };
            },
            (output, parsed, _) => output.WriteLine($"User {Passwords.Split(parsed.GetValue(user)!).Name} created"));
    }

    private static Verb List() => new Verb("list", "Show all users.", "quorate user list", "quorate user list --user root --format json").With(
        EtcdMethods.UserList, static _ => new AuthUserListRequest(), static (output, _, list) =>
        {
            foreach (string name in list.Users) { output.WriteLine(name); }
        });

    private static Verb Get()
    {
        Argument<string> user = User();
        return new Verb("get", "Show a user's roles.", "quorate user get alice") { user }.With(
            EtcdMethods.UserGet,
            parsed => new AuthUserGetRequest { Name = parsed.GetValue(user)! },
            (output, parsed, answer) =>
            {
                output.WriteLine($"User: {parsed.GetValue(user)}");
                output.WriteLine($"Roles: {string.Join(' ', answer.Roles)}".TrimEnd());
            });
    }

    private static Verb Delete()
    {
        Argument<string> user = User();
        return new Verb("delete", "Delete a user; its tokens are worth nothing any more. Exit code 3 if there is none.", "quorate user delete alice") { user }.With(
            EtcdMethods.UserDelete,
            parsed => new AuthUserDeleteRequest { Name = parsed.GetValue(user)! },
            (output, parsed, _) => output.WriteLine($"User {parsed.GetValue(user)} deleted"));
    }

    private static Verb Password()
    {
        Argument<string> user = User();
        return new Verb(
            "passwd", "Change a user's password; it is asked for on the terminal, else read from the standard input. The user's tokens are worth nothing any more.",
            "quorate user passwd alice --user root")
        {
            user,
        }.With(
            EtcdMethods.UserChangePassword,
            parsed => new AuthUserChangePasswordRequest { Name = parsed.GetValue(user)!, Password = Passwords.New(parsed.GetValue(user)!) },
            static (output, _, _) => output.WriteLine("Password updated"));
    }

    private static Verb GrantRole()
    {
        (Argument<string> user, Argument<string> role) = (User(), AuthVerb.Name("role", "The role."));
        return new Verb("grant-role", "Give a user a role.", "quorate user grant-role alice readers") { user, role }.With(
            EtcdMethods.UserGrantRole,
            parsed => new AuthUserGrantRoleRequest { User = parsed.GetValue(user)!, Role = parsed.GetValue(role)! },
            (output, parsed, _) => output.WriteLine($"Role {parsed.GetValue(role)} is granted to user {parsed.GetValue(user)}"));
    }

    private static Verb RevokeRole()
    {
        (Argument<string> user, Argument<string> role) = (User(), AuthVerb.Name("role", "The role."));
        return new Verb("revoke-role", "Take a role from a user.", "quorate user revoke-role alice readers") { user, role }.With(
            EtcdMethods.UserRevokeRole,
            parsed => new AuthUserRevokeRoleRequest { Name = parsed.GetValue(user)!, Role = parsed.GetValue(role)! },
            (output, parsed, _) => output.WriteLine($"Role {parsed.GetValue(role)} is revoked from user {parsed.GetValue(user)}"));
    }

    private static Argument<string> User() => AuthVerb.Name("name", "The user.");
}
