using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

// etcdserverpb.Auth. Passwords end here: what goes into the log is made of them, and of tokens only hashes do.
internal sealed partial class EtcdService
{
    private const int TokenBytes = 32;

    // Guesses at passwords that are worked on at one moment; they must leave processors for others.
    private readonly SemaphoreSlim _hashing = new(Math.Max(1, Environment.ProcessorCount / 2));

    public ValueTask<EtcdResult> AuthEnable(AuthEnableRequest request, EtcdCall call) =>
        Administer(new KvCommand.AuthEnable(), call, static header => new AuthEnableResponse { Header = header });

    public ValueTask<EtcdResult> AuthDisable(AuthDisableRequest request, EtcdCall call) =>
        Administer(new KvCommand.AuthDisable(), call, static header => new AuthDisableResponse { Header = header });

    public ValueTask<EtcdResult> AuthStatus(AuthStatusRequest request, EtcdCall call) => Look(call, KvNeeds.Nothing, (view, header) =>
    {
        KvAuthState state = _auth.StateOf(view);
        return EtcdResult.Of(new AuthStatusResponse { Header = header, Enabled = state.IsEnabled, AuthRevision = (ulong)state.Revision });
    });

    /// <summary>Gives a token for a password. It is good at every member, as soon as this is answered.</summary>
    public async ValueTask<EtcdResult> Authenticate(AuthenticateRequest request, EtcdCall call)
    {
        while (true)
        {
            (IReadView? view, EtcdError? error) =
                await Read(ReadLevel.Linearizable, call, allowedOnLearner: false, KvNeeds.Nothing).ConfigureAwait(false);
            if (view is null) { return error!; }
            KvUser? user;
            ResponseHeader header;
            long revision;
            using (view)
            {
                KvAuthState state = _auth.StateOf(view);
                if (!state.IsEnabled) { return EtcdErrors.AuthNotEnabled; }
                (revision, header) = (state.Revision, Header(KvQueries.CurrentRevision(view)));
                user = AuthQueries.User(view, request.Name);
            }

            if (user is null) { return EtcdErrors.AuthFailed; }
            if (!user.HasPassword) { return EtcdErrors.NoPasswordUser; }
            if (!await IsRight(user, request.Password, call.Stop).ConfigureAwait(false)) { return EtcdErrors.AuthFailed; }
            if (_options.Auth.SignedTokens is { } signed)
            {
                // If the password was changed while it was compared, the revision is an old one.
                return signed.CanSign
                    ? EtcdResult.Of(new AuthenticateResponse { Header = header, Token = signed.Sign(_shard, user.Name, revision, DateTimeOffset.UtcNow) })
                    : EtcdErrors.VerifyOnly;
            }

            string token = NewToken();
            byte[] hash = TokenUses.HashOf(token);
            _tokenUses.IsRenewalDue(hash, Environment.TickCount64);
            var add = new KvCommand.TokenAdd(user.Name, user.PasswordRevision, hash, _tokenUses.LifeMilliseconds);
            EtcdResult added = await Administer(
                add, call with { IsMember = true }, header => new AuthenticateResponse { Header = header, Token = token }).ConfigureAwait(false);

            // The password was changed while it was compared.
            if (added.Error != EtcdErrors.OldAuthRevision) { return added; }
        }
    }

    public async ValueTask<EtcdResult> UserAdd(AuthUserAddRequest request, EtcdCall call)
    {
        bool hasPassword = request.Options is not { NoPassword: true };
        (byte[] password, EtcdError? error) = await Hash(hasPassword ? request.Password : null, call.Stop).ConfigureAwait(false);
        return error is not null ? error : await Administer(
            new KvCommand.UserAdd(request.Name, password, hasPassword), call,
            static header => new AuthUserAddResponse { Header = header }).ConfigureAwait(false);
    }

    // To oneself, or to root.
    public ValueTask<EtcdResult> UserGet(AuthUserGetRequest request, EtcdCall call) => LookAs(call, (view, caller, refusal, header) =>
    {
        if (refusal != KvRefusal.None && caller.User != request.Name) { return EtcdErrors.Of(refusal); }
        if (AuthQueries.User(view, request.Name) is not { } user) { return EtcdErrors.UserNotFound; }
        var response = new AuthUserGetResponse { Header = header };
        response.Roles.AddRange(user.Roles);
        return EtcdResult.Of(response);
    });

    public ValueTask<EtcdResult> UserList(AuthUserListRequest request, EtcdCall call) => Look(call, KvNeeds.Root, static (view, header) =>
    {
        var response = new AuthUserListResponse { Header = header };
        response.Users.AddRange(AuthQueries.Users(view).Select(static user => user.Name));
        return EtcdResult.Of(response);
    });

    public ValueTask<EtcdResult> UserDelete(AuthUserDeleteRequest request, EtcdCall call) =>
        Administer(new KvCommand.UserDelete(request.Name), call, static header => new AuthUserDeleteResponse { Header = header });

    public async ValueTask<EtcdResult> UserChangePassword(AuthUserChangePasswordRequest request, EtcdCall call)
    {
        // Nobody can log in with an empty one any more (etcd).
        (byte[] password, EtcdError? error) =
            await Hash(request.Password.Length > 0 ? request.Password : null, call.Stop).ConfigureAwait(false);
        return error is not null ? error : await Administer(
            new KvCommand.UserSetPassword(request.Name, password), call,
            static header => new AuthUserChangePasswordResponse { Header = header }).ConfigureAwait(false);
    }

    public ValueTask<EtcdResult> UserGrantRole(AuthUserGrantRoleRequest request, EtcdCall call) => Administer(
        new KvCommand.UserGrantRole(request.User, request.Role), call, static header => new AuthUserGrantRoleResponse { Header = header });

    public ValueTask<EtcdResult> UserRevokeRole(AuthUserRevokeRoleRequest request, EtcdCall call) => Administer(
        new KvCommand.UserRevokeRole(request.Name, request.Role), call, static header => new AuthUserRevokeRoleResponse { Header = header });

    public ValueTask<EtcdResult> RoleAdd(AuthRoleAddRequest request, EtcdCall call) =>
        Administer(new KvCommand.RoleAdd(request.Name), call, static header => new AuthRoleAddResponse { Header = header });

    // To those who have it, or to root.
    public ValueTask<EtcdResult> RoleGet(AuthRoleGetRequest request, EtcdCall call) => LookAs(call, (view, caller, refusal, header) =>
    {
        bool hasIt = AuthQueries.User(view, caller.User) is { } user && user.Roles.Contains(request.Role);
        if (refusal != KvRefusal.None && !hasIt) { return EtcdErrors.Of(refusal); }
        if (AuthQueries.Role(view, request.Role) is not { } role) { return EtcdErrors.RoleNotFound; }
        var response = new AuthRoleGetResponse { Header = header };
        if (role.Name == KvUser.Root) { response.Perm.Add(ToMessage(KvPermission.OfRoot)); }
        else { response.Perm.AddRange(role.Permissions.Select(ToMessage)); }
        return EtcdResult.Of(response);
    });

    public ValueTask<EtcdResult> RoleList(AuthRoleListRequest request, EtcdCall call) => Look(call, KvNeeds.Root, static (view, header) =>
    {
        var response = new AuthRoleListResponse { Header = header };
        response.Roles.AddRange(AuthQueries.Roles(view).Select(static role => role.Name));
        return EtcdResult.Of(response);
    });

    public ValueTask<EtcdResult> RoleDelete(AuthRoleDeleteRequest request, EtcdCall call) =>
        Administer(new KvCommand.RoleDelete(request.Role), call, static header => new AuthRoleDeleteResponse { Header = header });

    public ValueTask<EtcdResult> RoleGrantPermission(AuthRoleGrantPermissionRequest request, EtcdCall call)
    {
        if (request.Perm is not { } given) { return new(EtcdErrors.PermissionNotGiven); }
        var permission = new KvPermission((KvPermissionType)given.PermType, given.Key.Memory, given.RangeEnd.Memory);
        return Administer(
            new KvCommand.RoleGrant(request.Name, permission), call, static header => new AuthRoleGrantPermissionResponse { Header = header });
    }

    public ValueTask<EtcdResult> RoleRevokePermission(AuthRoleRevokePermissionRequest request, EtcdCall call) => Administer(
        new KvCommand.RoleRevoke(request.Role, request.Key.Memory, request.RangeEnd.Memory), call,
        static header => new AuthRoleRevokePermissionResponse { Header = header });

    private async ValueTask<EtcdResult> Administer(KvCommand.Auth command, EtcdCall call, Func<ResponseHeader, IMessage> answer)
    {
        var bytes = new ByteWriter();
        command.Encode(bytes);
        (KvReply? reply, EtcdError? error) = await Replicate(bytes.WrittenMemory, call).ConfigureAwait(false);
        return reply switch
        {
            null => error!,
            KvReply.Refused refused => EtcdErrors.Of(refused.Refusal),
            _ => EtcdResult.Of(answer(Header(reply.Revision))),
        };
    }

    private async ValueTask<EtcdResult> Look(EtcdCall call, KvNeeds needs, Func<IReadView, ResponseHeader, EtcdResult> look)
    {
        (IReadView? view, EtcdError? error) =
            await Read(ReadLevel.Linearizable, call, allowedOnLearner: false, needs).ConfigureAwait(false);
        if (view is null) { return error!; }
        using (view) { return look(view, Header(KvQueries.CurrentRevision(view))); }
    }

    // The refusal that the caller gets unless it asks for what is its own.
    private ValueTask<EtcdResult> LookAs(EtcdCall call, Func<IReadView, KvCaller, KvRefusal, ResponseHeader, EtcdResult> look) =>
        Look(call, KvNeeds.Nothing, (view, header) =>
        {
            KvRefusal refusal = _auth.Check(view, call, KvNeeds.Root);
            bool isKnown = refusal != KvRefusal.None && _auth.Check(view, call, KvNeeds.User) == KvRefusal.None;
            return look(view, isKnown ? _auth.Identify(call, view).Caller : KvCaller.Nobody, refusal, header);
        });

    private async ValueTask<bool> IsRight(KvUser user, string password, CancellationToken stop)
    {
        await _hashing.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => PasswordHash.IsOf(user.Password.Span, password), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _hashing.Release();
        }
    }

    // Null: no password; what is made of it is empty.
    private async ValueTask<(byte[] Hash, EtcdError? Error)> Hash(string? password, CancellationToken stop)
    {
        if (password is null) { return ([], null); }
        if (Encoding.UTF8.GetByteCount(password) > PasswordHash.MaxPasswordBytes) { return ([], EtcdErrors.PasswordTooLong); }
        await _hashing.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            return (await Task.Run(() => PasswordHash.Make(password, _options.Auth.PasswordCost), CancellationToken.None).ConfigureAwait(false), null);
        }
        finally
        {
            _hashing.Release();
        }
    }

    private static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));

    private static Permission ToMessage(KvPermission permission) => new()
    {
        PermType = (Permission.Types.Type)permission.Type,
        Key = EtcdMessages.Wrap(permission.Key),
        RangeEnd = EtcdMessages.Wrap(permission.RangeEnd),
    };
}
