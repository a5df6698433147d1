using System.Net.Http.Headers;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.FrontDoors;

// Goal: the door finds out who asks, by token or certificate, and lets through what etcd 3.7 lets through, RPC by RPC.
public class EtcdAuthTests
{
    private readonly FakeNode _node = new();
    private readonly EtcdService _service;

    public EtcdAuthTests() => _service = NewService();

    // What each RPC says to nobody, to a user who may do nothing, and to a bad token. A new RPC needs a line here.
    private static readonly Dictionary<string, string> Denials = new()
    {
        ["KV/Range"] = "denied",
        ["KV/Put"] = "denied",
        ["KV/DeleteRange"] = "denied",
        ["KV/Txn"] = "denied",
        ["KV/Compact"] = "denied",
        ["KV/RangeStream"] = "denied",
        ["Lease/LeaseGrant"] = "user",
        ["Lease/LeaseRevoke"] = "denied",
        ["Lease/LeaseTimeToLive"] = "denied",
        ["Lease/LeaseLeases"] = "denied",
        ["Lease/LeaseKeepAlive"] = "denied",
        ["Watch/Watch"] = "watch",
        ["Lock/Lock"] = "denied",
        ["Lock/Unlock"] = "denied",
        ["Election/Campaign"] = "denied",
        ["Election/Proclaim"] = "denied",
        ["Election/Leader"] = "denied",
        ["Election/Resign"] = "denied",
        ["Election/Observe"] = "denied",
        ["Cluster/MemberList"] = "user",
        ["Cluster/MemberAdd"] = "denied",
        ["Cluster/MemberRemove"] = "denied",
        ["Cluster/MemberUpdate"] = "denied",
        ["Cluster/MemberPromote"] = "denied",
        ["Keyspaces/Create"] = "denied",
        ["Keyspaces/Update"] = "denied",
        ["Keyspaces/Delete"] = "denied",
        ["Keyspaces/List"] = "denied",
        ["Maintenance/Status"] = "user",
        ["Maintenance/Alarm"] = "user",
        ["Maintenance/Defragment"] = "denied",
        ["Maintenance/Hash"] = "denied",
        ["Maintenance/HashKV"] = "denied",
        ["Maintenance/Snapshot"] = "denied",
        ["Maintenance/MoveLeader"] = "denied",
        ["Maintenance/Downgrade"] = "denied",
        ["Auth/AuthStatus"] = "everyone",
        ["Auth/Authenticate"] = "everyone",
        ["Auth/AuthEnable"] = "denied",
        ["Auth/AuthDisable"] = "denied",
        ["Auth/UserAdd"] = "denied",
        ["Auth/UserGet"] = "denied",
        ["Auth/UserList"] = "denied",
        ["Auth/UserDelete"] = "denied",
        ["Auth/UserChangePassword"] = "denied",
        ["Auth/UserGrantRole"] = "denied",
        ["Auth/UserRevokeRole"] = "denied",
        ["Auth/RoleAdd"] = "denied",
        ["Auth/RoleGet"] = "denied",
        ["Auth/RoleList"] = "denied",
        ["Auth/RoleDelete"] = "denied",
        ["Auth/RoleGrantPermission"] = "denied",
        ["Auth/RoleRevokePermission"] = "denied",
    };

    // Goal: every RPC that is served, a new one too, has a rule and keeps it.
    [Fact]
    public async Task Every_rpc_has_a_rule_and_keeps_it()
    {
        await Enable();
        IEnumerable<(string Path, EtcdAccess Access)> rpcs = EtcdRpcs.All.Select(static rpc => (rpc.Path, rpc.Access))
            .Concat(EtcdRpcs.Streams.Select(static rpc => (rpc.Path, rpc.Access)));
        foreach ((string path, EtcdAccess access) in rpcs)
        {
            string name = path[(path.IndexOf('.', StringComparison.Ordinal) + 1)..];
            Assert.NotEqual(EtcdAccess.Undeclared, access);
            Assert.True(Denials.TryGetValue(name, out string? rule), $"{name} has no line in this test");
            if (rule == "watch") { continue; }

            // As root it may have been disabled, or the lease revoked.
            await Enabled(true);
            await Ask(new LeaseGrantRequest { ID = 1, TTL = 60 }, Root);
            Ok(await Ask(new PutRequest { Key = Bytes("on-lease"), Lease = 1 }, Root));
            string powerless = await Login("powerless");
            string nobody = await Ask(path, default);
            string stranger = await Ask(path, Call("no-token"));
            string user = await Ask(path, Call(powerless));
            string root = await Ask(path, Root);
            if (rule == "everyone")
            {
                Assert.DoesNotContain("user name is empty", nobody, StringComparison.Ordinal);
                continue;
            }

            Assert.True(nobody.EndsWith("etcdserver: user name is empty", StringComparison.Ordinal), $"{name} to nobody: {nobody}");
            Assert.True(stranger.EndsWith("etcdserver: invalid auth token", StringComparison.Ordinal), $"{name} to a stranger: {stranger}");
            Assert.True((rule == "denied") == user.EndsWith("etcdserver: permission denied", StringComparison.Ordinal), $"{name} to a user: {user}");
            Assert.False(root.EndsWith("etcdserver: permission denied", StringComparison.Ordinal), $"{name} to root: {root}");
        }

        Assert.Equal(0, _node.OpenViews);
    }

    [Fact]
    public async Task Alarms_may_be_seen_by_users_and_changed_by_root()
    {
        await Enable();
        string powerless = await Login("powerless");
        var clear = new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate };
        Assert.Equal("PermissionDenied etcdserver: permission denied", await Ask("/etcdserverpb.Maintenance/Alarm", Call(powerless), clear));
        Assert.StartsWith("{", await Ask("/etcdserverpb.Maintenance/Alarm", Call(await Login("root")), clear), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_is_refused_with_a_reason_and_its_stream_goes_on()
    {
        await Enable();
        await using EtcdDoor door = await EtcdDoor.Open();
        await Enable(door.Node);
        string alice = await Login("alice", NewService(door.Node));
        string create = "{\"create_request\":{\"key\":\"" + Bytes("x").ToBase64() + "\"}}{\"create_request\":{\"key\":\"" + Bytes("a").ToBase64() + "\"}}";
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{door.Address}/v3/watch")) { Content = new StringContent(create) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", alice);
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        string refused = (await lines.ReadLineAsync())!;
        Assert.Contains("\"cancel_reason\":\"rpc error: code = PermissionDenied desc = etcdserver: permission denied\"", refused, StringComparison.Ordinal);
        Assert.Contains("\"watch_id\":\"-1\",\"created\":true,\"canceled\":true", refused, StringComparison.Ordinal);
        Assert.DoesNotContain("canceled", await lines.ReadLineAsync(), StringComparison.Ordinal);
    }

    // Goal: while the shard is not there nobody knows the users, so no watch begins that nobody has judged.
    [Fact]
    public async Task A_watch_that_cannot_be_judged_does_not_begin()
    {
        await Enable();
        int reads = 0;
        _node.LocalOutcome = RequestOutcome.NoShard;
        _node.BeforeRead = () => _node.LocalOutcome = ++reads == 1 ? RequestOutcome.NoShard : RequestOutcome.Done;
        var watch = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Bytes("x"), StartRevision = 1 } };
        Assert.StartsWith("Unavailable", await Ask("/etcdserverpb.Watch/Watch", default, watch), StringComparison.Ordinal);
    }

    // Goal: whoever may not write cannot make the cluster refuse the writes of others.
    [Fact]
    public async Task Nobody_raises_an_alarm_by_a_write_that_is_not_allowed()
    {
        await Enable();
        EtcdService service = NewService(quota: 10_000);
        string alice = await Login("alice");
        _node.DiskBytes = 9_999;
        var txn = new TxnRequest { Success = { new RequestOp { RequestPut = new PutRequest { Key = Bytes("x") } } } };
        foreach (IMessage request in (IMessage[])[new PutRequest { Key = Bytes("x") }, txn])
        {
            Assert.EndsWith("user name is empty", await Ask(request, default, service), StringComparison.Ordinal);
            Assert.EndsWith("permission denied", await Ask(request, Call(alice), service), StringComparison.Ordinal);
        }

        Assert.EndsWith("user name is empty", await Ask(new LeaseGrantRequest { TTL = 60 }, default, service), StringComparison.Ordinal);
        Assert.DoesNotContain("alarm", await Ask(new AlarmRequest(), Root, service), StringComparison.Ordinal);
        Assert.EndsWith("database space exceeded", await Ask(new PutRequest { Key = Bytes("a") }, Call(alice), service), StringComparison.Ordinal);
        Assert.Contains("NOSPACE", await Ask(new AlarmRequest(), Root, service), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_bring_a_token_but_never_a_certificate_through_the_gateway()
    {
        await using EtcdDoor door = await EtcdDoor.Open();
        await Enable(door.Node);
        string alice = await Login("alice", NewService(door.Node));
        using var http = new HttpClient();
        foreach ((string header, string value, string expected) in (ReadOnlySpan<(string, string, string)>)
            [
                ("Authorization", alice, "\"count\":\"1\""), ("authorization", "Bearer " + alice, "\"count\":\"1\""),
                ("Grpc-Metadata-Token", alice, "\"count\":\"1\""), ("Authorization", "Basic eDp5", "\"code\":16"),
                ("Authorization", alice + "0", "\"code\":16"), ("token", alice, "user name is empty"),
            ])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{door.Address}/v3/kv/range"))
            {
                Content = new StringContent("{\"key\":\"" + Bytes("a").ToBase64() + "\"}"),
            };
            request.Headers.TryAddWithoutValidation(header, value);
            using HttpResponseMessage response = http.Send(request);
            using var text = new StreamReader(response.Content.ReadAsStream());
            Assert.Contains(expected, text.ReadToEnd(), StringComparison.Ordinal);
        }
    }

    // Goal: a member that has not heard yet that users are asked for, or no longer, refuses and grants nothing wrongly.
    [Fact]
    public async Task A_door_that_learned_of_it_late_does_right()
    {
        await Ask(new PutRequest { Key = Bytes("a") }, default);
        EtcdService other = NewService();
        await Enable();
        string alice = await Login("alice");
        var put = new PutRequest { Key = Bytes("a"), Value = Bytes("2") };
        EtcdService late = NewService();
        await Enabled(false);
        Assert.StartsWith("{", await Ask(put, default, late), StringComparison.Ordinal);
        await Enabled(true);
        Assert.Equal("InvalidArgument etcdserver: user name is empty", await Ask(put, default, late));
        Assert.Equal("Unauthenticated etcdserver: invalid auth token", await Ask(put, Call(alice), late));
        alice = await Login("alice");
        await Enabled(false);
        Assert.StartsWith("{", await Ask(put, default, late), StringComparison.Ordinal);
        await Enabled(true);
        alice = await Login("alice");
        Assert.StartsWith("{", await Ask(put, Call(alice), late), StringComparison.Ordinal);
        Assert.Equal("PermissionDenied etcdserver: permission denied", await Ask(new PutRequest { Key = Bytes("x") }, Call(alice), other));
        Assert.Equal(0, _node.OpenViews);
    }

    [Fact]
    public async Task A_member_without_a_majority_still_serves_its_own_state_to_known_users()
    {
        await Enable();
        string alice = await Login("alice");
        _node.LinearizableOutcome = RequestOutcome.NoLeader;
        var local = new RangeRequest { Key = Bytes("a"), Serializable = true };
        Assert.StartsWith("{", await Ask(local, Call(alice)), StringComparison.Ordinal);
        Assert.Equal("Unauthenticated etcdserver: invalid auth token", await Ask(local, Call("unknown")));
        Assert.Equal("Unavailable etcdserver: no leader", await Ask(new AuthenticateRequest { Name = "alice", Password = "alice" }, default));
    }

    [Fact]
    public async Task Passwords_are_compared_in_full_and_are_nowhere_stored()
    {
        await Enable();
        foreach ((string user, string password, string expected) in ((string, string, string)[])
            [
                ("alice", "alice", "{"), ("alice", "Alice", "InvalidArgument etcdserver: authentication failed, invalid user ID or password"),
                ("alice", "", "InvalidArgument etcdserver: authentication failed, invalid user ID or password"),
                ("nobody", "alice", "InvalidArgument etcdserver: authentication failed, invalid user ID or password"),
                ("certified", "", "Unknown auth: authentication failed, password was given for no password user"),
            ])
        {
            if (user == "certified")
            {
                Ok(await Ask(new AuthUserAddRequest { Name = user, Options = new() { NoPassword = true }, Password = "ignored" }, Root));
            }

            string answer = await Ask(new AuthenticateRequest { Name = user, Password = password }, default);
            Assert.StartsWith(expected, answer, StringComparison.Ordinal);
        }

        Assert.Equal(
            "Unknown bcrypt: password length exceeds 72 bytes",
            await Ask(new AuthUserAddRequest { Name = "long", Password = new string('p', 73) }, Root));
        byte[] hash = PasswordHash.Make("secret", cost: 4);
        Assert.True(PasswordHash.IsOf(hash, "secret"));
        Assert.False(PasswordHash.IsOf(hash, "secreT"));
        Assert.False(PasswordHash.IsOf(hash.AsSpan(1), "secret"));
        Assert.NotEqual(hash, PasswordHash.Make("secret", cost: 4));
        Assert.DoesNotContain(_node.Records, record => record.IndexOf("alice-secret"u8) >= 0);
        Ok(await Ask(new AuthUserChangePasswordRequest { Name = "alice", Password = "alice-secret" }, Root));
        string token = await Login("alice", password: "alice-secret");
        Assert.DoesNotContain(
            _node.Records,
            record => record.IndexOf("alice-secret"u8) >= 0 || record.IndexOf(System.Text.Encoding.ASCII.GetBytes(token)) >= 0);
    }

    [Fact]
    public async Task Tokens_in_use_are_renewed_now_and_then()
    {
        await Enable();
        string alice = await Login("alice");
        int before = _node.Proposals;
        for (int i = 0; i < 10; i++) { await Ask(new RangeRequest { Key = Bytes("a") }, Call(alice)); }
        Assert.Equal(before, _node.Proposals);

        // Another member sees it for the first time, and cannot know how long it was not used.
        EtcdService other = NewService();
        for (int i = 0; i < 10; i++) { await Ask(new RangeRequest { Key = Bytes("a") }, Call(alice), other); }
        Assert.Equal(before + 1, _node.Proposals);

        var uses = new TokenUses(TimeSpan.FromSeconds(8));
        byte[] hash = TokenUses.HashOf("t");
        Assert.Equal(10_000, uses.LifeMilliseconds);
        Assert.Equal([true, false, true, false], ((long[])[0, 1999, 2000, 3999]).Select(time => uses.IsRenewalDue(hash, time)));
        uses.Failed(hash, 4000);
        Assert.Equal([false, true], ((long[])[4999, 5000]).Select(time => uses.IsRenewalDue(hash, time)));
    }

    // Goal: a signed token of one member is good at another, which only knows the public key, until users or roles change; random ones are none then.
    [Fact]
    public async Task Signed_tokens_are_good_for_one_revision_of_users()
    {
        await Enable();
        string random = await Login("alice");
        using var key = System.Security.Cryptography.RSA.Create(2048);
        byte[] pub = System.Text.Encoding.UTF8.GetBytes(key.ExportSubjectPublicKeyInfoPem());
        byte[] priv = System.Text.Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem());
        using var signing = new SignedTokens(JwtKey.Create("RS256", null, priv), TimeSpan.FromMinutes(5));
        using var verifying = new SignedTokens(JwtKey.Create("RS256", pub, null), TimeSpan.FromMinutes(5));
        (EtcdService one, EtcdService other) = (NewService(signed: signing), NewService(signed: verifying));
        long proposals = _node.Proposals;
        string alice = await Login("alice", one);
        Assert.Equal(proposals, _node.Proposals);
        foreach (EtcdService service in (EtcdService[])[one, other])
        {
            Ok(await Ask(new PutRequest { Key = Bytes("a") }, Call(alice), service));
            Ok(await Ask(new RangeRequest { Key = Bytes("a"), Serializable = true }, Call(alice), service));
            Assert.Equal("PermissionDenied etcdserver: permission denied", await Ask(new PutRequest { Key = Bytes("x") }, Call(alice), service));
            Assert.Equal("Unauthenticated etcdserver: invalid auth token", await Ask(new PutRequest { Key = Bytes("a") }, Call(random), service));
        }

        Assert.Equal("Unauthenticated etcdserver: invalid auth token", await Ask(new PutRequest { Key = Bytes("a") }, Call(alice)));
        Assert.Equal(
            "Unknown auth: token signing attempted with verify-only key",
            await Ask(new AuthenticateRequest { Name = "alice", Password = "alice" }, default, other));
        Ok(await Ask(new AuthRoleAddRequest { Name = "another" }, Root));
        foreach (EtcdService service in (EtcdService[])[one, other])
        {
            Assert.Equal("InvalidArgument etcdserver: revision of auth store is old", await Ask(new PutRequest { Key = Bytes("a") }, Call(alice), service));
            Assert.Equal("InvalidArgument etcdserver: revision of auth store is old", await Ask(new RangeRequest { Key = Bytes("a") }, Call(alice), service));
        }

        Ok(await Ask(new PutRequest { Key = Bytes("a") }, Call(await Login("alice", one)), other));
    }

    private static EtcdCall Root => new(false, default, CertificateUser: "root");

    private static EtcdCall Call(string token) => new(false, default, Token: token);

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private EtcdService NewService(FakeNode? node = null, SignedTokens? signed = null, long quota = 0) => new(
        new EtcdServiceOptions
        {
            Node = node ?? _node,
            Shard = FakeNode.Shard,
            Members = static _ => null,
            Auth = new EtcdAuthOptions { PasswordCost = 4, SignedTokens = signed },
            QuotaBytes = quota,
        },
        static (rpc, exception) => throw new InvalidOperationException(rpc, exception));

    // Users root, alice (a to b) and powerless; each has its name as its password.
    private async Task Enable(FakeNode? node = null)
    {
        EtcdService service = NewService(node);
        foreach (string user in (string[])["root", "alice", "powerless"])
        {
            Ok(await Ask(new AuthUserAddRequest { Name = user, Password = user }, default, service));
        }

        Ok(await Ask(new AuthUserGrantRoleRequest { User = "root", Role = "root" }, default, service));
        Ok(await Ask(new AuthRoleAddRequest { Name = "r" }, default, service));
        Ok(await Ask(
            new AuthRoleGrantPermissionRequest
            {
                Name = "r",
                Perm = new Permission { PermType = Permission.Types.Type.Readwrite, Key = Bytes("a"), RangeEnd = Bytes("b") },
            },
            default,
            service));
        Ok(await Ask(new AuthUserGrantRoleRequest { User = "alice", Role = "r" }, default, service));
        Ok(await Ask(new PutRequest { Key = Bytes("a"), Value = Bytes("1") }, default, service));
        Ok(await Ask(new AuthEnableRequest(), default, service));
    }

    private async Task Enabled(bool isEnabled) =>
        Ok(isEnabled ? await Ask(new AuthEnableRequest(), Root) : await Ask(new AuthDisableRequest(), Root));

    private async Task<string> Login(string user, EtcdService? service = null, string? password = null)
    {
        EtcdResult result = await (service ?? _service).Serve(
            EtcdRpcs.ByPath["/etcdserverpb.Auth/Authenticate"], new AuthenticateRequest { Name = user, Password = password ?? user }, default);
        return Assert.IsType<AuthenticateResponse>(result.Response).Token;
    }

    private Task<string> Ask(IMessage request, EtcdCall call, EtcdService? service = null) =>
        Ask(EtcdRpcs.All.First(rpc => rpc.RequestType == request.Descriptor).Path, call, request, service);

    private async Task<string> Ask(string path, EtcdCall call, IMessage? request = null, EtcdService? service = null)
    {
        service ??= _service;
        if (EtcdRpcs.StreamsByPath.TryGetValue(path, out EtcdStreamRpc? stream))
        {
            using var caller = new OneRequest(request ?? Sample(stream.RequestType));
            EtcdError? failure = await service.Serve(stream, caller, call with { Stop = caller.Stop });
            return failure is null ? "{}" : $"{failure.Status} {failure.Message}";
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        EtcdRpc rpc = EtcdRpcs.ByPath[path];
        EtcdResult result = await service.Serve(rpc, request ?? Sample(rpc.RequestType), call with { Stop = patience.Token });
        return result.Error is { } error ? $"{error.Status} {error.Message}" : result.Response!.ToString()!;
    }

    // A request that is complete enough to be judged.
    private static IMessage Sample(Google.Protobuf.Reflection.MessageDescriptor type) => type.Name switch
    {
        "RangeRequest" => new RangeRequest { Key = Bytes("k") },
        "PutRequest" => new PutRequest { Key = Bytes("k") },
        "DeleteRangeRequest" => new DeleteRangeRequest { Key = Bytes("k") },
        "TxnRequest" => new TxnRequest { Compare = { new Compare { Key = Bytes("k") } } },
        "LeaseRevokeRequest" => new LeaseRevokeRequest { ID = 1 },
        "LeaseKeepAliveRequest" => new LeaseKeepAliveRequest { ID = 1 },
        "LeaseTimeToLiveRequest" => new LeaseTimeToLiveRequest { ID = 1, Keys = true },
        "LockRequest" => new LockRequest { Name = Bytes("l"), Lease = 1 },
        "UnlockRequest" => new UnlockRequest { Key = Bytes("l") },
        "CampaignRequest" => new CampaignRequest { Name = Bytes("e"), Lease = 1 },
        "LeaderRequest" => new LeaderRequest { Name = Bytes("e") },
        "ProclaimRequest" => new ProclaimRequest { Leader = new LeaderKey { Name = Bytes("e"), Key = Bytes("e/1"), Lease = 1 } },
        "ResignRequest" => new ResignRequest { Leader = new LeaderKey { Name = Bytes("e"), Key = Bytes("e/1"), Lease = 1 } },
        "AuthRoleGrantPermissionRequest" => new AuthRoleGrantPermissionRequest { Perm = new Permission { Key = Bytes("k") } },
        "AuthUserGetRequest" => new AuthUserGetRequest { Name = "alice" },
        "AuthDisableRequest" => new AuthDisableRequest(),
        _ => (IMessage)Activator.CreateInstance(type.ClrType)!,
    };

    private static void Ok(string answer) => Assert.StartsWith("{", answer, StringComparison.Ordinal);

    /// <summary>A stream whose caller sends one request and leaves when it is answered or has waited.</summary>
    private sealed class OneRequest(IMessage request) : IEtcdStream, IDisposable
    {
        private readonly CancellationTokenSource _stop = new(TimeSpan.FromSeconds(1));
        private readonly SemaphoreSlim _woken = new(0);
        private bool _wasRead;

        public CancellationToken Stop => _stop.Token;

        public async ValueTask<StreamRead> ReadAsync(CancellationToken stop)
        {
            await Task.Yield();
            if (_wasRead) { return default; }
            _wasRead = true;
            return new StreamRead(request, null);
        }

        public ValueTask WriteAsync(IMessage response, CancellationToken stop)
        {
            _stop.Cancel();
            return default;
        }

        public ValueTask FlushAsync(CancellationToken stop) => default;

        public async ValueTask YieldAsync() => await Task.Yield();

        public async ValueTask WaitAsync() => await _woken.WaitAsync();

        public void Wake() => _woken.Release();

        public void Dispose()
        {
            _stop.Dispose();
            _woken.Dispose();
        }
    }
}
