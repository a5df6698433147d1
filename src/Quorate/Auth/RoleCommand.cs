using System.CommandLine;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;

namespace Quorate.Auth;

/// <summary><c>quorate role add|list|get|delete|grant-permission|revoke-permission</c>.</summary>
internal static class RoleCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "role", "Manage roles: sets of permissions on keys.",
        "quorate role add readers", "quorate role grant-permission readers read --prefix app/", "quorate role get readers")
    {
        Add(), List(), Get(), Delete(), Grant(), Revoke(),
    };

    private static Verb Add()
    {
        Argument<string> role = Role();
        return new Verb("add", "Add a role, without permissions. Exit code 3 if it exists.", "quorate role add readers") { role }.With(
            EtcdMethods.RoleAdd,
            parsed => new AuthRoleAddRequest { Name = parsed.GetValue(role)! },
            (output, parsed, _) => output.WriteLine($"Role {parsed.GetValue(role)} created"));
    }

    private static Verb List() => new Verb("list", "Show all roles.", "quorate role list").With(
        EtcdMethods.RoleList, static _ => new AuthRoleListRequest(), static (output, _, list) =>
        {
            foreach (string name in list.Roles) { output.WriteLine(name); }
        });

    private static Verb Get()
    {
        Argument<string> role = Role();
        return new Verb("get", "Show a role's permissions.", "quorate role get readers", "quorate role get readers --format json") { role }.With(
            EtcdMethods.RoleGet,
            parsed => new AuthRoleGetRequest { Role = parsed.GetValue(role)! },
            (output, parsed, answer) =>
            {
                output.WriteLine($"Role {parsed.GetValue(role)}");
                Write(output, "KV Read:", answer.Perm.Where(static p => p.PermType != Permission.Types.Type.Write));
                Write(output, "KV Write:", answer.Perm.Where(static p => p.PermType != Permission.Types.Type.Read));
            });
    }

    private static Verb Delete()
    {
        Argument<string> role = Role();
        return new Verb("delete", "Delete a role, of all users who have it too. Exit code 3 if there is none.", "quorate role delete readers") { role }.With(
            EtcdMethods.RoleDelete,
            parsed => new AuthRoleDeleteRequest { Role = parsed.GetValue(role)! },
            (output, parsed, _) => output.WriteLine($"Role {parsed.GetValue(role)} deleted"));
    }

    private static Verb Grant()
    {
        (Argument<string> role, Keys keys) = (Role(), new Keys());
        var type = new Argument<string>("read|write|readwrite") { Description = "What is permitted." };
        type.AcceptOnlyFromAmong("read", "write", "readwrite");
        var verb = new Verb(
            "grant-permission", "Permit a role to read or write a key, or a range of keys.",
            "quorate role grant-permission readers read --prefix app/", "quorate role grant-permission readers readwrite greeting")
        {
            role, type,
        };
        keys.AddTo(verb);
        return verb.With(
            EtcdMethods.RoleGrantPermission,
            parsed =>
            {
                (ByteString key, ByteString end) = keys.Of(parsed);
                Permission.Types.Type permitted = Enum.Parse<Permission.Types.Type>(parsed.GetValue(type)!, ignoreCase: true);
                return new AuthRoleGrantPermissionRequest
                {
                    Name = parsed.GetValue(role)!,
                    Perm = new Permission { PermType = permitted, Key = key, RangeEnd = end },
                };
            },
            (output, parsed, _) => output.WriteLine($"Role {parsed.GetValue(role)} updated"));
    }

    private static Verb Revoke()
    {
        (Argument<string> role, Keys keys) = (Role(), new Keys());
        var verb = new Verb(
            "revoke-permission", "Take a permission from a role; the keys are those that it was given for. Exit code 3 if it has no such permission.",
            "quorate role revoke-permission readers --prefix app/")
        {
            role,
        };
        keys.AddTo(verb);
        return verb.With(
            EtcdMethods.RoleRevokePermission,
            parsed =>
            {
                (ByteString key, ByteString end) = keys.Of(parsed);
                return new AuthRoleRevokePermissionRequest { Role = parsed.GetValue(role)!, Key = key, RangeEnd = end };
            },
            (output, parsed, _) =>
            {
                (ByteString key, ByteString end) = keys.Of(parsed);
                output.WriteLine($"Permission of {Text(key, end)} is revoked from role {parsed.GetValue(role)}");
            });
    }

    private static void Write(TextWriter output, string title, IEnumerable<Permission> permissions)
    {
        output.WriteLine(title);
        foreach (Permission permission in permissions) { output.WriteLine("\t" + Text(permission.Key, permission.RangeEnd)); }
    }

    private static string Text(ByteString key, ByteString end)
    {
        string first = key.ToStringUtf8();
        if (end.IsEmpty) { return first; }
        if (end.Length == 1 && end[0] == 0) { return $"[{first}, <open ended>"; }
        string prefix = KeyRanges.Prefix(key).End == end ? $" (prefix {first})" : "";
        return $"[{first}, {end.ToStringUtf8()}){prefix}";
    }

    private static Argument<string> Role() => AuthVerb.Name("name", "The role.");

    // A key or a range, as all verbs take it.
    private sealed class Keys
    {
        private readonly Argument<string> _key = new("key") { Description = "The key, or the first of a range." };
        private readonly Argument<string?> _end = new("end") { Description = "End of the range; not part of it.", Arity = ArgumentArity.ZeroOrOne };
        private readonly Option<bool> _prefix = new("--prefix") { Description = "All keys that start with KEY." };
        private readonly Option<bool> _fromKey = new("--from-key") { Description = "All keys from KEY on." };

        public void AddTo(Command verb)
        {
            verb.Add(_key);
            verb.Add(_end);
            verb.Add(_prefix);
            verb.Add(_fromKey);
        }

        public (ByteString Key, ByteString End) Of(ParseResult parsed) =>
            KvCommand.Range(parsed.GetValue(_key)!, parsed.GetValue(_end), parsed.GetValue(_prefix), parsed.GetValue(_fromKey));
    }
}
