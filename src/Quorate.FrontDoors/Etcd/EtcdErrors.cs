using Quorate.Core;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Etcd;

/// <summary>Why an RPC was refused or failed, in etcd's words. Clients match the text, not only the status.</summary>
/// <param name="Status">The gRPC status.</param>
/// <param name="Message">The text, as etcd sends it.</param>
internal sealed record EtcdError(GrpcStatus Status, string Message);

/// <summary>
/// All error words of the etcd door; the texts are those of etcd's api/v3rpc/rpctypes/error.go and, for the transport, of
/// grpc-go, which every etcd answers with.
/// </summary>
internal static class EtcdErrors
{
    // The request is wrong.
    public static readonly EtcdError EmptyKey = Invalid("key is not provided");
    public static readonly EtcdError KeyNotFound = Invalid("key not found");
    public static readonly EtcdError ValueProvided = Invalid("value is provided");
    public static readonly EtcdError LeaseProvided = Invalid("lease is provided");
    public static readonly EtcdError TooManyOps = Invalid("too many operations in txn request");
    public static readonly EtcdError DuplicateKey = Invalid("duplicate key given in txn request");
    public static readonly EtcdError InvalidSortOption = Invalid("invalid sort option");
    public static readonly EtcdError RequestTooLarge = Invalid("request is too large");

    public static readonly EtcdError NoSortInStreams =
        Of(GrpcStatus.Unimplemented, "RangeStream does not support custom sort orders");
    public static readonly EtcdError NoFiltersInStreams =
        Of(GrpcStatus.Unimplemented, "RangeStream does not support revision filters");

    public static readonly EtcdError TooLargeToSort = new(
        GrpcStatus.ResourceExhausted,
        "the range has more than 256 MiB, which is the most that can be sorted; read it in order of key, or with a narrower range");

    // The state does not allow it.
    public static readonly EtcdError Compacted =
        Of(GrpcStatus.OutOfRange, "mvcc: required revision has been compacted");
    public static readonly EtcdError FutureRevision =
        Of(GrpcStatus.OutOfRange, "mvcc: required revision is a future revision");
    public static readonly EtcdError LeaseExists = Of(GrpcStatus.FailedPrecondition, "lease already exists");
    public static readonly EtcdError LeaseTooLong = Of(GrpcStatus.OutOfRange, "too large lease TTL");
    public static readonly EtcdError LeaseNotFound = Of(GrpcStatus.NotFound, "requested lease not found");
    public static readonly EtcdError NoSpace = Of(GrpcStatus.ResourceExhausted, "mvcc: database space exceeded");
    public static readonly EtcdError WrongDowngradeVersion = Invalid("wrong downgrade target version format");
    public static readonly EtcdError InvalidDowngradeTarget = Invalid("invalid downgrade target version");
    public static readonly EtcdError NoDowngrade = Of(GrpcStatus.FailedPrecondition, "no inflight downgrade job");
    public static readonly EtcdError NotSupportedForLearner =
        Of(GrpcStatus.FailedPrecondition, "rpc not supported for learner");

    // Of members.
    public static readonly EtcdError MemberBadUrls = Invalid("given member URLs are invalid");
    public static readonly EtcdError MemberNotFound = Of(GrpcStatus.NotFound, "member not found");
    public static readonly EtcdError PeerUrlExists = Of(GrpcStatus.FailedPrecondition, "Peer URLs already exists");
    public static readonly EtcdError TooManyLearners = Of(GrpcStatus.FailedPrecondition, "too many learner members in cluster");
    public static readonly EtcdError NotLearner = Of(GrpcStatus.FailedPrecondition, "can only promote a learner member");
    public static readonly EtcdError LearnerNotReady =
        Of(GrpcStatus.FailedPrecondition, "can only promote a learner member which is in sync with leader");

    // etcd 3.4 forgets to give this one a code, and clients see Unknown.
    public static readonly EtcdError NotEnoughStarted =
        Of(GrpcStatus.Unknown, "re-configuration failed due to not enough started members");
    public static readonly EtcdError Unhealthy = Of(GrpcStatus.Unavailable, "unhealthy cluster");
    public static readonly EtcdError NotLeader = Of(GrpcStatus.FailedPrecondition, "not leader");
    public static readonly EtcdError BadLeaderTransferee = Of(GrpcStatus.FailedPrecondition, "bad leader transferee");
    public static readonly EtcdError LeaderTransferTimedOut =
        Of(GrpcStatus.Unavailable, "request timed out, leader transfer took too long");

    // Of users.
    public static readonly EtcdError UserNameEmpty = Invalid("user name is empty");
    public static readonly EtcdError RoleNameEmpty = Invalid("role name is empty");
    public static readonly EtcdError AuthFailed = Invalid("authentication failed, invalid user ID or password");
    public static readonly EtcdError PermissionNotGiven = Invalid("permission not given");
    public static readonly EtcdError InvalidAuthManagement = Invalid("invalid auth management");
    public static readonly EtcdError OldAuthRevision = Invalid("revision of auth store is old");
    public static readonly EtcdError InvalidAuthToken = Of(GrpcStatus.Unauthenticated, "invalid auth token");
    public static readonly EtcdError PermissionDenied = Of(GrpcStatus.PermissionDenied, "permission denied");
    public static readonly EtcdError AuthNotEnabled = Of(GrpcStatus.FailedPrecondition, "authentication is not enabled");
    public static readonly EtcdError RootUserMissing = Of(GrpcStatus.FailedPrecondition, "root user does not exist");
    public static readonly EtcdError RootRoleMissing = Of(GrpcStatus.FailedPrecondition, "root user does not have root role");
    public static readonly EtcdError UserExists = Of(GrpcStatus.FailedPrecondition, "user name already exists");
    public static readonly EtcdError UserNotFound = Of(GrpcStatus.FailedPrecondition, "user name not found");
    public static readonly EtcdError RoleExists = Of(GrpcStatus.FailedPrecondition, "role name already exists");
    public static readonly EtcdError RoleNotFound = Of(GrpcStatus.FailedPrecondition, "role name not found");
    public static readonly EtcdError RoleNotGranted = Of(GrpcStatus.FailedPrecondition, "role is not granted to the user");
    public static readonly EtcdError PermissionNotGranted =
        Of(GrpcStatus.FailedPrecondition, "permission is not granted to the role");

    // Go's, hence etcd's, without a code of its own.
    public static readonly EtcdError PasswordTooLong =
        new(GrpcStatus.Unknown, $"bcrypt: password length exceeds {PasswordHash.MaxPasswordBytes} bytes");
    public static readonly EtcdError VerifyOnly = new(GrpcStatus.Unknown, "auth: token signing attempted with verify-only key");

    public static readonly EtcdError NoPasswordUser =
        new(GrpcStatus.Unknown, "auth: authentication failed, password was given for no password user");

    // Not now.
    public static readonly EtcdError NoLeader = Of(GrpcStatus.Unavailable, "no leader");
    public static readonly EtcdError TimedOut = Of(GrpcStatus.Unavailable, "request timed out");
    public static readonly EtcdError TimedOutLeaderFailed =
        Of(GrpcStatus.Unavailable, "request timed out, possibly due to previous leader failure");
    public static readonly EtcdError Stopped = Of(GrpcStatus.Unavailable, "server stopped");
    public static readonly EtcdError TooManyRequests = Of(GrpcStatus.ResourceExhausted, "too many requests");
    public static readonly EtcdError Corrupt = Of(GrpcStatus.DataLoss, "corrupt cluster");

    // Of a watch, not of its stream; etcd does not prefix them.
    public const string EmptyWatchRange = "mvcc: watcher range is empty";
    public const string DuplicateWatchId = "mvcc: duplicate watch ID provided on the WatchStream";

    /// <summary>An alarm as Status and health pages show it; Go's text of the message, the blank at its end too.</summary>
    public static string AlarmText(KvAlarm alarm) => $"memberID:{alarm.Member} alarm:{NameOf(alarm.Type)} ";

    /// <summary>etcd's name of an alarm.</summary>
    public static string NameOf(KvAlarmType alarm) => alarm == KvAlarmType.NoSpace ? "NOSPACE" : "CORRUPT";

    // Of locks and elections; plain texts in etcd, too.
    public static readonly EtcdError LockSessionExpired = new(GrpcStatus.Unknown, "mutex: session is expired");
    public static readonly EtcdError ElectionNoLeader = new(GrpcStatus.Unknown, "election: no leader");
    public static readonly EtcdError ElectionNotLeader = new(GrpcStatus.Unknown, "election: not leader");
    public static readonly EtcdError MissingLeaderKey = new(GrpcStatus.Unknown, "\"leader\" field must be provided");

    // Of keyspaces, which etcd does not have.
    public static readonly EtcdError KeyspaceName =
        Invalid("a keyspace's name is 1 to 63 of a-z, 0-9, '.', '-' and '_', a letter or digit first");
    public static readonly EtcdError KeyspaceQuota = Invalid("a keyspace's quota is 0 (none) or more bytes");
    public static readonly EtcdError KeyspaceExists = Of(GrpcStatus.AlreadyExists, "keyspace already exists");
    public static readonly EtcdError KeyspaceNotFound = Of(GrpcStatus.NotFound, "keyspace not found");
    public static readonly EtcdError TooManyKeyspaces =
        Of(GrpcStatus.ResourceExhausted, $"there are {KeyspaceRules.MaxKeyspaces} keyspaces, which is the most");
    public static readonly EtcdError KeyspaceIsDefault =
        Of(GrpcStatus.FailedPrecondition, "the default keyspace can be neither changed nor deleted");
    public static readonly EtcdError KeyspacesContradict =
        Invalid("port, path and metadata name different keyspaces; name one, or none on a port that has one");
    public static readonly EtcdError OnlyInDefaultKeyspace =
        Of(GrpcStatus.FailedPrecondition, "members and keyspaces are managed through the default keyspace; ask at the cluster's main client port");
    public static readonly EtcdError KeyspaceNotHere =
        Of(GrpcStatus.Unavailable, "this member does not hold the keyspace, or not yet; ask again, or another member");

    // The caller's own doing; grpc-go's words, without etcd's prefix.
    public static readonly EtcdError DeadlineExceeded = new(GrpcStatus.DeadlineExceeded, "context deadline exceeded");
    public static readonly EtcdError Canceled = new(GrpcStatus.Canceled, "context canceled");

    // A bug of ours. What happened is in the log, not in the answer.
    public static readonly EtcdError Internal = new(GrpcStatus.Internal, "internal error; the server's log has details");

    // The transport's refusals.
    public static readonly EtcdError CompressedWithoutEncoding =
        new(GrpcStatus.Internal, "grpc: compressed flag set with identity or empty encoding");
    public static readonly EtcdError CutShort = new(GrpcStatus.Internal, "unexpected EOF");

    // Lengths in protobuf are of 31 bits; a client must read in pieces (limit).
    public static readonly EtcdError AnswerTooLarge =
        new(GrpcStatus.ResourceExhausted, "grpc: trying to send message larger than max (2147483647)");

    public static EtcdError CompressionNotSupported(string encoding) =>
        new(GrpcStatus.Unimplemented, $"grpc: Decompressor is not installed for grpc-encoding \"{encoding}\"");

    public static EtcdError MessageTooLarge(uint length, int limit) =>
        new(GrpcStatus.ResourceExhausted, $"grpc: received message larger than max ({length} vs. {limit})");

    public static EtcdError Unreadable(string detail) =>
        new(GrpcStatus.InvalidArgument, $"grpc: error unmarshalling request: {detail}");

    public static EtcdError UnknownMethod(string method, string service) =>
        new(GrpcStatus.Unimplemented, $"unknown method {method} for service {service}");

    public static EtcdError UnknownService(string service) =>
        new(GrpcStatus.Unimplemented, $"unknown service {service}");

    public static EtcdError MalformedPath(string path) =>
        new(GrpcStatus.Unimplemented, $"malformed method name: \"{path}\"");

    /// <summary>What the key-value machine refused.</summary>
    public static EtcdError Of(KvRefusal refusal) => refusal switch
    {
        KvRefusal.EmptyKey => EmptyKey,
        KvRefusal.KeyNotFound => KeyNotFound,
        KvRefusal.ValueProvided => ValueProvided,
        KvRefusal.LeaseProvided => LeaseProvided,
        KvRefusal.TooManyOperations or KvRefusal.TooDeep => TooManyOps,
        KvRefusal.DuplicateKey => DuplicateKey,
        KvRefusal.InvalidSortOption => InvalidSortOption,
        KvRefusal.Compacted => Compacted,
        KvRefusal.FutureRevision => FutureRevision,
        KvRefusal.LeaseNotFound => LeaseNotFound,
        KvRefusal.LeaseExists => LeaseExists,
        KvRefusal.LeaseTooLong => LeaseTooLong,
        KvRefusal.TooLargeToSort => TooLargeToSort,
        KvRefusal.NoSpace => NoSpace,
        KvRefusal.Corrupt => Corrupt,
        KvRefusal.NotEnoughStarted => NotEnoughStarted,
        KvRefusal.Unhealthy => Unhealthy,
        KvRefusal.MemberNotFound => MemberNotFound,
        KvRefusal.PeerUrlExists => PeerUrlExists,
        KvRefusal.TooManyLearners => TooManyLearners,
        KvRefusal.NotLearner => NotLearner,
        KvRefusal.LearnerNotReady => LearnerNotReady,

        KvRefusal.KeyspaceName => KeyspaceName,
        KvRefusal.KeyspaceExists => KeyspaceExists,
        KvRefusal.KeyspaceNotFound => KeyspaceNotFound,
        KvRefusal.TooManyKeyspaces => TooManyKeyspaces,
        KvRefusal.KeyspaceIsDefault => KeyspaceIsDefault,
        KvRefusal.KeyspaceQuota => KeyspaceQuota,
        KvRefusal.UserNameEmpty => UserNameEmpty,
        KvRefusal.InvalidAuthToken => InvalidAuthToken,
        KvRefusal.OldAuthRevision => OldAuthRevision,
        KvRefusal.PermissionDenied => PermissionDenied,
        KvRefusal.RootUserMissing => RootUserMissing,
        KvRefusal.RootRoleMissing => RootRoleMissing,
        KvRefusal.UserExists => UserExists,
        KvRefusal.UserNotFound => UserNotFound,
        KvRefusal.RoleExists => RoleExists,
        KvRefusal.RoleNotFound => RoleNotFound,
        KvRefusal.RoleNameEmpty => RoleNameEmpty,
        KvRefusal.RoleNotGranted => RoleNotGranted,
        KvRefusal.PermissionNotGranted => PermissionNotGranted,
        KvRefusal.InvalidAuthManagement => InvalidAuthManagement,
        KvRefusal.AuthNotEnabled => AuthNotEnabled,
        KvRefusal.AuthFailed => AuthFailed,

        // Our own command did not read back: versions of nodes that do not fit together, or a bug.
        KvRefusal.Malformed or KvRefusal.NotJudged => Internal,
        _ => throw Invariant.Unreachable(refusal),
    };

    /// <summary>What became of a request that was not done.</summary>
    public static EtcdError Of(RequestOutcome outcome) => outcome switch
    {
        RequestOutcome.NoLeader => NoLeader,
        RequestOutcome.TooBusy => TooManyRequests,
        RequestOutcome.NoSpace => NoSpace,
        RequestOutcome.Stopping => Stopped,

        // May have happened: etcd says so with a timeout, and clients must not send a write again on it.
        RequestOutcome.Unknown => TimedOut,

        RequestOutcome.NoShard => KeyspaceNotHere,
        _ => throw Invariant.Unreachable(outcome),
    };

    private static EtcdError Of(GrpcStatus status, string words) => new(status, "etcdserver: " + words);

    private static EtcdError Invalid(string words) => Of(GrpcStatus.InvalidArgument, words);
}
