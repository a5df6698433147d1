using System.Text;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

// Goal: users, roles and permissions are kept as etcd's rules say, and each command is judged by the state that it is applied to.
public class KeyValueAuthTests
{
    private const KvPermissionType Read = KvPermissionType.Read;
    private const KvPermissionType Write = KvPermissionType.Write;
    private const KvPermissionType ReadWrite = KvPermissionType.ReadWrite;

    private readonly KeyValueHarness _kv = new();

    [Fact]
    public void Users_and_roles_are_managed_by_etcds_rules()
    {
        Expect("RootUserMissing@1", new KvCommand.AuthEnable());
        Expect("UserNameEmpty@1", new KvCommand.UserAdd("", default, HasPassword: true));
        Expect("done@1", new KvCommand.UserAdd("root", Bytes("h"), HasPassword: true));
        Expect("UserExists@1", new KvCommand.UserAdd("root", default, HasPassword: true));
        Expect("RootRoleMissing@1", new KvCommand.AuthEnable());
        Expect("RoleNotFound@1", new KvCommand.UserGrantRole("root", "r"));
        Expect("UserNotFound@1", new KvCommand.UserGrantRole("u", "root"));
        Expect("done@1", new KvCommand.UserGrantRole("root", "root"));
        Expect("done@1", new KvCommand.UserGrantRole("root", "root"));
        Expect("RoleNameEmpty@1", new KvCommand.RoleAdd(""));
        Expect("done@1", new KvCommand.RoleAdd("r"));
        Expect("RoleExists@1", new KvCommand.RoleAdd("r"));
        Expect("done@1", new KvCommand.UserGrantRole("root", "r"));
        Expect("RoleNotGranted@1", new KvCommand.UserRevokeRole("root", "q"));
        Expect("UserNotFound@1", new KvCommand.UserRevokeRole("u", "q"));
        Expect("InvalidAuthManagement@1", new KvCommand.RoleGrant("r", new(Read, Bytes(""), Bytes("b"))));
        Expect("InvalidAuthManagement@1", new KvCommand.RoleGrant("r", new(Read, Bytes("b"), Bytes("b"))));
        Expect("RoleNotFound@1", new KvCommand.RoleGrant("q", new(Read, Bytes("a"), Bytes("b"))));
        Expect("done@1", new KvCommand.RoleGrant("r", new(Read, Bytes("b"), Bytes("\0"))));
        Expect("done@1", new KvCommand.RoleGrant("r", new(Read, Bytes("a"), Bytes("b"))));
        Expect("done@1", new KvCommand.RoleGrant("r", new(Write, Bytes("a"), Bytes("b"))));
        Assert.Equal(["Write a b", "Read b \0"], AuthQueries.Role(_kv.Writer, "r")!.Permissions.Select(static p => $"{p.Type} {Text(p.Key)} {Text(p.RangeEnd)}"));
        Expect("PermissionNotGranted@1", new KvCommand.RoleRevoke("r", Bytes("a"), Bytes("c")));
        Expect("RoleNotFound@1", new KvCommand.RoleRevoke("q", Bytes("a"), Bytes("b")));
        Expect("done@1", new KvCommand.RoleRevoke("r", Bytes("a"), Bytes("b")));
        Expect("UserNotFound@1", new KvCommand.UserDelete("u"));
        Expect("UserNotFound@1", new KvCommand.UserSetPassword("u", default));
        Expect("RoleNotFound@1", new KvCommand.RoleDelete("q"));
        Assert.Equal(new KvAuthState(IsEnabled: false, Revision: 9, TokensSince: 0), AuthQueries.State(_kv.Writer));

        Expect("done@1", new KvCommand.AuthEnable());
        Expect("UserNameEmpty@1", new KvCommand.AuthEnable());
        Expect("done@1", new KvCommand.AuthEnable(), Root);
        Expect("InvalidAuthManagement@1", new KvCommand.UserDelete("root"), Root);
        Expect("InvalidAuthManagement@1", new KvCommand.UserRevokeRole("root", "root"), Root);
        Expect("InvalidAuthManagement@1", new KvCommand.RoleDelete("root"), Root);
        Expect("done@1", new KvCommand.RoleDelete("r"), Root);
        Assert.Equal(["root"], AuthQueries.User(_kv.Writer, "root")!.Roles);
        Expect("done@1", new KvCommand.AuthDisable(), Root);
        Expect("done@1", new KvCommand.AuthDisable());
        Expect("done@1", new KvCommand.UserDelete("root"));
        Assert.Equal(new KvAuthState(IsEnabled: false, Revision: 12, TokensSince: 11), AuthQueries.State(_kv.Writer));
    }

    [Fact]
    public void Lists_are_in_order_of_bytes()
    {
        foreach (string name in (string[])["b", "\U0001F600", "\uFFFD", "a"])
        {
            Expect("done@1", new KvCommand.UserAdd(name, default, HasPassword: true));
            Expect("done@1", new KvCommand.RoleAdd(name));
            Expect("done@1", new KvCommand.UserGrantRole("b", name));
        }

        string[] expected = ["a", "b", "\uFFFD", "\U0001F600"];
        Assert.Equal(expected, AuthQueries.Users(_kv.Writer).Select(static user => user.Name));
        Assert.Equal(expected, AuthQueries.Roles(_kv.Writer).Select(static role => role.Name));
        Assert.Equal(expected, AuthQueries.User(_kv.Writer, "b")!.Roles);
    }

    [Fact]
    public void A_command_is_judged_by_who_sends_it()
    {
        Enable();
        Permit("u", new(ReadWrite, Bytes("a"), Bytes("b")), new(Read, Bytes("r"), default), new(Write, Bytes("w"), default));
        Expect("UserNameEmpty@1", Put("a"));
        Expect("put@2", Put("a", "1"), User);
        Expect("put@3 was a=1(2,2,1)", Put("a", prevKv: true), User);
        Expect("PermissionDenied@3", Put("b"), User);
        Expect("PermissionDenied@3", Put("r"), User);
        Expect("put@4", Put("w"), User);
        Expect("PermissionDenied@4", Put("w", prevKv: true), User);
        Expect("PermissionDenied@4", Delete("w", prevKv: true), User);
        Expect("PermissionDenied@4", Delete("a", "c"), User);
        Expect("PermissionDenied@4", Delete("r"), User);
        Expect("deleted 1@5", Delete("w"), User);
        Expect("0@5", Get("r"), User);
        Expect("PermissionDenied@5", Get("w"), User);
        Expect("PermissionDenied@5", Get("a", "\0"), User);
        Expect("0@5", Get("a5", "a2"), User);
        Expect("PermissionDenied@5", Get("x", "a"), User); // Holds no key, but etcd refuses it too.
        Expect("PermissionDenied@5", All(Get("a"), All(Put("x"))), User);
        Expect("PermissionDenied@5", If([], [], [All(If([], [], [Delete("x")]))]), User);
        Expect("PermissionDenied@5", If([Compare(KvCompareTarget.Version, "x", KvCompareResult.Equal, 0)], [], []), User);
        Expect("PermissionDenied@5", All(If([Compare(KvCompareTarget.Version, "a", KvCompareResult.Equal, 0, "c")], [], [])), User);
        Expect("then@5[0@5]", If([Compare(KvCompareTarget.Version, "r", KvCompareResult.Equal, 0)], [Get("a1")], [Put("w")]), User);
        Expect("PermissionDenied@5", new KvCommand.Compact(2, Physical: false), User);
        Expect("UserNameEmpty@5", new KvCommand.Compact(2, Physical: false));
        Expect("compacted@5", new KvCommand.Compact(2, Physical: false), Root);
        Expect("PermissionDenied@5", new KvCommand.UserDelete("u"), User);
        Expect("UserNotFound@5", new KvCommand.UserDelete("u"), User with { User = "nobody" });
        Expect("PermissionDenied@5", Get("a"), User with { User = "nobody" });
        Expect("put@6", Put("x"), KvCaller.Member);
        Expect("put@7", Put("x"), Root);
    }

    // Goal: where it is applied, so no member that lags lets somebody through who is not root any more.
    [Fact]
    public void Alarms_and_keyspaces_are_changed_by_root_alone()
    {
        Enable();
        Permit("u", new KvPermission(ReadWrite, Bytes("\0"), Bytes("\0")));
        foreach (KvCommand command in (KvCommand[])
            [new KvCommand.Alarm(Raise: false, 1, KvAlarmType.NoSpace), new KvCommand.KeyspaceCreate("k", 0), new KvCommand.KeyspaceUpdate("k", 1), new KvCommand.KeyspaceDelete("k")])
        {
            Assert.True(KvCommand.NeedsSender(Encoded(command)));
            Expect("UserNameEmpty@1", command);
            Expect("PermissionDenied@1", command, User);
            Assert.DoesNotContain("Denied", Do(command, Root), StringComparison.Ordinal);
            Assert.DoesNotContain("Denied", Do(command, KvCaller.Member), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_lease_is_as_safe_as_the_keys_on_it()
    {
        Enable();
        Permit("u", new(ReadWrite, Bytes("a"), Bytes("b")), default, default);
        Expect("UserNameEmpty@1", new KvCommand.LeaseGrant(7, 60));
        Expect("lease 7 for 60 s@1", new KvCommand.LeaseGrant(7, 60), User);
        Expect("put@2", Put("a") with { Lease = 7 }, User);
        Expect("renewed for 60 s@2", new KvCommand.LeaseRenew(7), User);
        Expect("put@3", Put("x") with { Lease = 7 }, Root);
        Expect("PermissionDenied@3", Put("a2") with { Lease = 7 }, User);
        Expect("PermissionDenied@3", All(Put("a1"), Put("a2") with { Lease = 7 }), User);
        Expect("PermissionDenied@3", new KvCommand.LeaseRenew(7), User);
        Expect("PermissionDenied@3", new KvCommand.LeaseRevoke(7), User);
        Expect("UserNameEmpty@3", new KvCommand.LeaseRevoke(7));
        Expect("LeaseNotFound@3", new KvCommand.LeaseRevoke(8), User);
        Expect("revoked@4", new KvCommand.LeaseRevoke(7), Root);
    }

    [Fact]
    public void A_token_ends_with_its_time_its_password_its_user_and_with_disabling()
    {
        Enable();
        Permit("u", new(ReadWrite, Bytes("a"), default), default, default);
        KvCaller u = TokenOf("u", hash: 1);
        Expect("put@2", Put("a"), u);

        // Unrelated changes of users leave it good; they end signed ones.
        KvCaller signed = new(KvCredential.SignedToken, "u", AuthQueries.State(_kv.Writer).Revision);
        Expect("put@3", Put("a"), signed);
        Expect("done@3", new KvCommand.RoleAdd("other"), Root);
        Expect("put@4", Put("a"), u);
        Expect("OldAuthRevision@4", Put("a"), signed);

        // What it may do is what the user may now.
        Expect("done@4", new KvCommand.UserRevokeRole("u", "of-u"), Root);
        Expect("PermissionDenied@4", Put("a"), u);
        Expect("done@4", new KvCommand.UserGrantRole("u", "of-u"), Root);
        Expect("put@5", Put("a"), u);

        Expect("OldAuthRevision@5", new KvCommand.TokenAdd("u", 1, Hash(2), 1000));
        Expect("done@5", new KvCommand.UserSetPassword("u", Bytes("new")), Root);
        Expect("InvalidAuthToken@5", Put("a"), u);
        u = TokenOf("u", hash: 2);
        Expect("put@6", Put("a"), u);
        Expect("done@6", new KvCommand.UserDelete("u"), Root);
        Expect("InvalidAuthToken@6", Put("a"), u);
        Expect("done@6", new KvCommand.UserAdd("u", default, HasPassword: true), Root);
        Expect("InvalidAuthToken@6", Put("a"), u);

        KvCaller root = TokenOf("root", hash: 3);
        Expect("put@7", Put("a"), root);
        Expect("done@7", new KvCommand.AuthDisable(), root);
        Expect("AuthNotEnabled@7", new KvCommand.TokenAdd("root", 2, Hash(4), 1000));
        Expect("done@7", new KvCommand.AuthEnable());
        Expect("InvalidAuthToken@7", Put("a"), root);
        Expect("AuthFailed@7", new KvCommand.TokenAdd("nobody", 2, Hash(4), 1000));
    }

    [Fact]
    public void A_token_is_there_until_its_deadline_which_renewals_move()
    {
        Enable();
        _kv.Clock = 1000;
        TokenOf("root", hash: 1, life: 500);
        TokenOf("root", hash: 2, life: 700);
        Assert.Equal(1500, _kv.Machine.NextDeadline);
        Expect("lease 9 for 1 s@1", new KvCommand.LeaseGrant(9, 1), Root);
        Expect("put@2", Put("k") with { Lease = 9 }, Root);
        _kv.Clock = 1400;
        Expect("done@2", new KvCommand.TokenRenew(Hash(1), 500));
        Expect("done@2", new KvCommand.TokenRenew(Hash(7), 500));
        _kv.Timer(1700);
        Assert.NotNull(AuthQueries.Token(_kv.Writer, Hash(1).Span));
        Assert.Null(AuthQueries.Token(_kv.Writer, Hash(2).Span));

        // A node that starts again knows what is next.
        var again = new KeyValueHarness(Catalog(), _kv.Writer);
        Assert.Equal(1900, again.Machine.NextDeadline);
        Assert.Equal(_kv.Hash, again.Hash);
        _kv.Timer(1900);
        Assert.Null(AuthQueries.Token(_kv.Writer, Hash(1).Span));
        Assert.Equal(2000, _kv.Machine.NextDeadline);
        Assert.NotEqual(again.Machine.NextDeadline, _kv.Machine.NextDeadline);
        _kv.Timer(2000);
        Assert.Equal("0@3", _kv.Ask("k"));
        Assert.Null(_kv.Machine.NextDeadline);
    }

    [Fact]
    public void Many_tokens_that_end_together_take_several_timers()
    {
        Enable();
        for (int i = 0; i < 1500; i++) { TokenOf("root", hash: i, life: 10); }
        _kv.Timer(10);
        Assert.Equal(10, _kv.Machine.NextDeadline);
        _kv.Timer(10);
        Assert.Null(_kv.Machine.NextDeadline);
    }

    [Fact]
    public void A_broken_envelope_is_malformed_and_one_in_another_too()
    {
        var inner = new ByteWriter();
        Put("a").Encode(inner);
        var once = new ByteWriter();
        KvCommand.EncodeFrom(once, Root, inner.Written);
        var twice = new ByteWriter();
        KvCommand.EncodeFrom(twice, Root, once.Written);
        Assert.Equal("Malformed@1", KeyValueHarness.Text(_kv.ApplyBytes(twice.Written)));
        for (int length = 0; length < once.Length; length++)
        {
            Assert.Equal("Malformed@1", KeyValueHarness.Text(_kv.ApplyBytes(once.Written[..length])));
        }

        Assert.Equal("put@2", KeyValueHarness.Text(_kv.ApplyBytes(once.Written)));
    }

    // Property: whatever permissions a user has, a request is allowed just if a checker that tries every key allows it.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Permissions_cover_what_a_naive_checker_says_they_do(ulong seed)
    {
        var prng = new Prng(seed);
        int allowed = 0;
        for (int round = 0; round < 300; round++)
        {
            KvPermission[] permissions = [.. Enumerable.Range(0, prng.Below(6)).Select(_ => RandomPermission(prng)).Where(static p => p.IsValid)];
            var access = new KvUserAccess(new KvUser("u", default, true, 1, []), [.. permissions]);
            for (int i = 0; i < 30; i++)
            {
                KvPermission asked = RandomPermission(prng);
                if (!asked.IsValid) { continue; }
                bool mayRead = Universe.Where(key => Has(asked, key)).All(key => permissions.Any(p => p.Type != Write && Has(p, key)));
                bool mayWrite = Universe.Where(key => Has(asked, key)).All(key => permissions.Any(p => p.Type != Read && Has(p, key)));
                Assert.True(
                    (mayRead, mayWrite) == (access.MayRead(asked.Key.Span, asked.RangeEnd.Span), access.MayWrite(asked.Key.Span, asked.RangeEnd.Span)),
                    $"{Show(asked)} with {string.Join(", ", permissions.Select(Show))}: {mayRead}, {mayWrite}");
                allowed += mayRead ? 1 : 0;
            }
        }

        Assert.InRange(allowed, 300, 8000);
    }

    // All keys of up to three letters, and one behind them all: ranges over this alphabet differ in some of these if they differ at all.
    private static readonly string[] Universe =
    [
        .. from a in Letters from b in Letters from c in Letters select (a + b + c).Replace("-", "", StringComparison.Ordinal) into key
        where key.Length > 0 select key, "\xFF\xFF\xFF\xFF",
    ];

    private static string[] Letters => ["-", "\0", "a", "b", "\xFF"];

    private static bool Has(KvPermission range, string key)
    {
        int fromStart = string.CompareOrdinal(key, Text(range.Key));
        string end = Text(range.RangeEnd);
        return end.Length == 0 ? fromStart == 0 : fromStart >= 0 && (end == "\0" || string.CompareOrdinal(key, end) < 0);
    }

    // Ends of ranges have at most two letters, so that a key of three lies between any two of them.
    private static KvPermission RandomPermission(Prng prng)
    {
        string Word() => (Letters[prng.Below(5)] + Letters[prng.Below(5)]).Replace("-", "", StringComparison.Ordinal);
        return new((KvPermissionType)prng.Below(3), Bytes(Word()), Bytes(prng.Below(3) == 0 ? "\0" : Word()));
    }

    private static string Show(KvPermission p) => $"{p.Type} {Convert.ToHexString(p.Key.Span)}-{Convert.ToHexString(p.RangeEnd.Span)}";

    private static KvCaller Root => new(KvCredential.Certificate, "root", 0);

    private static KvCaller User => new(KvCredential.Certificate, "u", 0);

    private static IStateMachine Catalog() => Quorate.StateMachines.Catalog.KeyValue.Create();

    private static ReadOnlyMemory<byte> Hash(int number)
    {
        byte[] hash = new byte[32];
        BitConverter.TryWriteBytes(hash, number);
        return hash;
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);

    private void Enable()
    {
        Expect("done@1", new KvCommand.UserAdd("root", Bytes("h"), HasPassword: true));
        Expect("done@1", new KvCommand.UserGrantRole("root", "root"));
        Expect("done@1", new KvCommand.AuthEnable());
    }

    private void Permit(string user, params KvPermission[] permissions)
    {
        Expect("done@1", new KvCommand.UserAdd(user, Bytes("h"), HasPassword: true), Root);
        Expect("done@1", new KvCommand.RoleAdd($"of-{user}"), Root);
        Expect("done@1", new KvCommand.UserGrantRole(user, $"of-{user}"), Root);
        foreach (KvPermission permission in permissions.Where(static p => p.IsValid))
        {
            Expect("done@1", new KvCommand.RoleGrant($"of-{user}", permission), Root);
        }
    }

    private KvCaller TokenOf(string user, int hash, long life = 100_000)
    {
        var add = new KvCommand.TokenAdd(user, AuthQueries.User(_kv.Writer, user)!.PasswordRevision, Hash(hash), life);
        Assert.StartsWith("done@", _kv.Do(add), StringComparison.Ordinal);
        KvToken token = AuthQueries.Token(_kv.Writer, add.Hash.Span)!;
        return new KvCaller(KvCredential.Token, token.User, token.Revision);
    }

    private void Expect(string expected, KvCommand command, KvCaller? caller = null) => Assert.Equal(expected, Do(command, caller));

    private static byte[] Encoded(KvCommand command)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        return bytes.ToArray();
    }

    private string Do(KvCommand command, KvCaller? caller)
    {
        byte[] bytes = Encoded(command);
        var payload = new ByteWriter();
        if (caller is { } sender) { KvCommand.EncodeFrom(payload, sender, bytes); }
        else { payload.Raw(bytes); }
        return KeyValueHarness.Text(_kv.ApplyBytes(payload.Written));
    }
}
