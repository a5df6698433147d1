using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Simulation;

/// <summary>
/// Users who write and read, each by its certificate, while an administrator gives them permissions and takes them away. The shard asks for users from
/// then on, so it is this workload's alone. Every write has a key of its own: the keys that are there at the end, with their revisions, say which took effect, and when.
/// </summary>
public sealed record UserWorkload : EtcdClientWorkload
{
    private const string Root = "root";

    private readonly List<Right> _rights = [];
    private Session? _administrator;
    private int _users;
    private int _elements;
    private int _roles;
    private int _setUpSteps;
    private bool _isReady;

    /// <summary>Groups of keys; each user has a right of its own to each. Default: 2.</summary>
    public int Groups { get; init; } = 2;

    /// <inheritdoc/>
    public override string Name => "users";

    /// <inheritdoc/>
    public override void Finish(SimCluster cluster)
    {
        if (!_isReady) { return; }
        ReadEverywhere(cluster, RangeOf("g", "h"), response =>
        {
            ILookup<string, KeyValue> byRight = response.Kvs.ToLookup(static kv => kv.Key.ToStringUtf8().Split('-')[0]);
            foreach (Right right in _rights)
            {
                JsonArray effects = [.. byRight[right.Name].Select(static kv => new JsonArray(
                    int.Parse(kv.Key.ToStringUtf8().Split('-')[1], CultureInfo.InvariantCulture), kv.ModRevision))];
                Note(cluster, "final", right.Name, [], new() { ["value"] = effects });
            }
        }, Root);
    }

    private protected override void Ask(Session session)
    {
        if (_administrator is null || (_administrator != session && _administrator.IsOver))
        {
            _administrator = session;
            session.User = Root;
        }

        if (session == _administrator) { Administer(session); }
        else if (!_isReady) { session.Idle(); }
        else { Use(session); }
    }

    private void Administer(Session session)
    {
        if (!_isReady)
        {
            SetUp(session);
            return;
        }

        if (_rights.Count == 0)
        {
            session.Idle();
            return;
        }

        Right right = _rights[session.Random.Below(_rights.Count)];
        if (right.Standing == Standing.Forbidden) { Mark(session, revision => Allow(session, right, revision), session.Idle); }
        else { Forbid(session, right); }
    }

    // A step that was done before is refused for that: the next one, then.
    private void SetUp(Session session)
    {
        int users = Clients - 1;
        if (_setUpSteps == 0) { Step(EtcdMethods.UserAdd, NewUser(Root)); }
        else if (_setUpSteps == 1) { Step(EtcdMethods.UserGrantRole, new AuthUserGrantRoleRequest { User = Root, Role = Root }); }
        else if (_setUpSteps < users + 2) { Step(EtcdMethods.UserAdd, NewUser(UserName(_setUpSteps - 2))); }
        else { Step(EtcdMethods.AuthEnable, new AuthEnableRequest()); }

        void Step<TRequest, TResponse>(EtcdMethod<TRequest, TResponse> method, TRequest request)
            where TRequest : IMessage<TRequest>
            where TResponse : class, IMessage<TResponse> => session.Call(method, request, answer =>
            {
                bool isDone = answer.Response is not null || answer.Message.Contains("already exists", StringComparison.Ordinal);
                if (isDone && _setUpSteps++ == users + 2) { _isReady = true; }
                session.Idle();
            });
    }

    // Role by role: what is still on its way for one that was deleted comes to nothing.
    private void Allow(Session session, Right right, long revision)
    {
        right.Role = string.Create(CultureInfo.InvariantCulture, $"r{++_roles}");
        Session.Question question = session.Begin("allow", right.Name, more: new() { ["revision"] = revision });
        session.Call(EtcdMethods.RoleAdd, new AuthRoleAddRequest { Name = right.Role }, added =>
        {
            // Nobody has it, and no permission is in it.
            if (added.Response is null) { End(EtcdFailure.Refused, Standing.Forbidden); }
            else if (session.Random.Chance(1, 2)) { Permit(isLast: false); }
            else { Grant(isLast: false); }
        });

        void Permit(bool isLast) => session.Call(EtcdMethods.RoleGrantPermission, right.Grant(), permitted =>
        {
            if (permitted.Response is null) { End(EtcdFailure.Unknown, Standing.Unknown); }
            else if (isLast) { Done(); }
            else { Grant(isLast: true); }
        });

        void Grant(bool isLast) => session.Call(EtcdMethods.UserGrantRole, new AuthUserGrantRoleRequest { User = right.User, Role = right.Role }, granted =>
        {
            if (granted.Response is null) { End(EtcdFailure.Unknown, Standing.Unknown); }
            else if (isLast) { Done(); }
            else { Permit(isLast: true); }
        });

        void Done()
        {
            right.Standing = Standing.Allowed;
            question.Ok();
            session.Idle();
        }

        void End(EtcdFailure failure, Standing standing)
        {
            right.Standing = standing;
            question.Failed(failure, isWrite: true);
            session.Idle();
        }
    }

    private void Forbid(Session session, Right right)
    {
        Session.Question question = session.Begin("forbid", right.Name);

        // Only a role that is gone is safe from what may still be on its way.
        int way = right.Standing == Standing.Unknown ? 0 : session.Random.Below(3);
        right.Standing = Standing.Unknown;
        if (way == 0) { session.Call(EtcdMethods.RoleDelete, new AuthRoleDeleteRequest { Role = right.Role }, Ended); }
        else if (way == 1) { session.Call(EtcdMethods.UserRevokeRole, new AuthUserRevokeRoleRequest { Name = right.User, Role = right.Role }, Ended); }
        else { session.Call(EtcdMethods.RoleRevokePermission, right.Revoke(), Ended); }

        void Ended<TResponse>(Etcd.SimEtcdAnswer<TResponse> answer)
            where TResponse : class
        {
            bool isGone = answer.Response is not null || (way == 0 && answer.Message.Contains("role name not found", StringComparison.Ordinal));
            if (!isGone)
            {
                question.Failed(EtcdFailure.Unknown, isWrite: true);
                session.Idle();
                return;
            }

            right.Standing = Standing.Forbidden;
            Mark(session, revision => End(new() { ["revision"] = revision }), () => End(null));
        }

        void End(JsonObject? more)
        {
            question.Ok(more: more);
            session.Idle();
        }
    }

    // A revision of now: what is applied later has a greater one.
    private static void Mark(Session session, Action<long> marked, Action failed) =>
        session.Call(EtcdMethods.Put, new PutRequest { Key = ByteString.CopyFromUtf8("mark") }, answer =>
        {
            if (answer.Response is { } response) { marked(response.Header.Revision); }
            else { failed(); }
        });

    private void Use(Session session)
    {
        if (session.User is null)
        {
            session.User = UserName(_users++ % (Clients - 1));
            IEnumerable<Right> own = Enumerable.Range(0, Groups).Select(group => new Right(session.User, group));
            if (!_rights.Exists(right => right.User == session.User)) { _rights.AddRange(own); }
        }

        Right[] rights = [.. _rights.Where(right => right.User == session.User)];
        Right right = rights[session.Random.Below(rights.Length)];
        if (session.Random.Chance(1, 4)) { Look(session, right); }
        else { Write(session, right); }
    }

    private static void Look(Session session, Right right)
    {
        Session.Question question = session.Begin("look", right.Name);
        RangeRequest range = right.Range();
        range.CountOnly = true;
        session.Call(EtcdMethods.Range, range, answer =>
        {
            if (answer.Response is not null) { question.Ok(); }
            else { Refused(question, answer.Failure, answer.Message, isWrite: false); }
            session.Idle();
        });
    }

    private void Write(Session session, Right right)
    {
        int element = ++_elements;
        Session.Question question = session.Begin("write", right.Name, element);
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(string.Create(CultureInfo.InvariantCulture, $"{right.Name}-{element}")) };
        if (session.Random.Chance(1, 2))
        {
            session.Call(EtcdMethods.Put, put, Ended);
            return;
        }

        var txn = new TxnRequest();
        txn.Success.Add(new RequestOp { RequestPut = put });
        session.Call(EtcdMethods.Txn, txn, Ended);

        void Ended<TResponse>(Etcd.SimEtcdAnswer<TResponse> answer)
            where TResponse : class
        {
            if (answer.Response is not null)
            {
                AcknowledgedWrites++;
                question.Ok();
            }
            else { Refused(question, answer.Failure, answer.Message, isWrite: true); }

            session.Idle();
        }
    }

    private static void Refused(Session.Question question, EtcdFailure failure, string message, bool isWrite)
    {
        if (message.Contains("permission denied", StringComparison.Ordinal)) { question.Refused(new() { ["denied"] = true }); }
        else { question.Failed(failure, isWrite); }
    }

    // Making something of a password takes threads of its own.
    private static AuthUserAddRequest NewUser(string name) => new() { Name = name, Options = new UserAddOptions { NoPassword = true } };

    private static string UserName(int number) => string.Create(CultureInfo.InvariantCulture, $"u{number}");

    private static RangeRequest RangeOf(string key, string end) =>
        new() { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) };

    private enum Standing
    {
        Forbidden,
        Allowed,
        Unknown,
    }

    /// <summary>One user's right to one group of keys, by a role that nobody else has.</summary>
    private sealed class Right(string user, int group)
    {
        private readonly ByteString _key = ByteString.CopyFromUtf8(string.Create(CultureInfo.InvariantCulture, $"g{group}/"));

        // '0' follows '/'.
        private readonly ByteString _end = ByteString.CopyFromUtf8(string.Create(CultureInfo.InvariantCulture, $"g{group}0"));

        public string User => user;

        public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"g{group}/{user}");

        public string Role { get; set; } = "";

        public Standing Standing { get; set; }

        public RangeRequest Range() => new() { Key = _key, RangeEnd = _end };

        public AuthRoleGrantPermissionRequest Grant() => new()
        {
            Name = Role,
            Perm = new Permission { PermType = Permission.Types.Type.Readwrite, Key = _key, RangeEnd = _end },
        };

        public AuthRoleRevokePermissionRequest Revoke() => new() { Role = Role, Key = _key, RangeEnd = _end };
    }
}
