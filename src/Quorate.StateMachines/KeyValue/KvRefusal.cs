namespace Quorate.StateMachines.KeyValue;

/// <summary>Why a request was refused. A refused request changed nothing. The numbers are part of the reply's format.</summary>
public enum KvRefusal : byte
{
    /// <summary>It was not refused.</summary>
    None = 0,

    /// <summary>The bytes are no command that this version knows.</summary>
    Malformed = 1,

    /// <summary>A key is empty. etcd: "key is not provided".</summary>
    EmptyKey = 2,

    /// <summary>ignore_value or ignore_lease on a key that does not exist, or an operation without a request. etcd: "key not found".</summary>
    KeyNotFound = 3,

    /// <summary>ignore_value with a value. etcd: "value is provided".</summary>
    ValueProvided = 4,

    /// <summary>ignore_lease with a lease. etcd: "lease is provided".</summary>
    LeaseProvided = 5,

    /// <summary>A list of a transaction is longer than allowed. etcd: "too many operations in txn request".</summary>
    TooManyOperations = 6,

    /// <summary>A transaction may write a key twice. etcd: "duplicate key given in txn request".</summary>
    DuplicateKey = 7,

    /// <summary>A sort order or target that does not exist. etcd: "invalid sort option".</summary>
    InvalidSortOption = 8,

    /// <summary>The revision is compacted away. etcd: "mvcc: required revision has been compacted".</summary>
    Compacted = 9,

    /// <summary>The revision does not exist yet. etcd: "mvcc: required revision is a future revision".</summary>
    FutureRevision = 10,

    /// <summary>No such lease. etcd: "requested lease not found".</summary>
    LeaseNotFound = 11,

    /// <summary>Transactions nested deeper than <see cref="KvCommand.MaxTxnDepth"/>.</summary>
    TooDeep = 12,

    /// <summary>A lease of that id exists. etcd: "lease already exists".</summary>
    LeaseExists = 13,

    /// <summary>More than <see cref="RequestChecks.MaxLeaseSeconds"/>. etcd: "too large lease TTL".</summary>
    LeaseTooLong = 14,

    /// <summary>The caller has not said who it is, or a user without a name is to be added. etcd: "user name is empty".</summary>
    UserNameEmpty = 40,

    /// <summary>The caller's token is not good (any more). etcd: "invalid auth token".</summary>
    InvalidAuthToken = 41,

    /// <summary>The caller's signed token, or a password that was compared, is of an earlier state. etcd: "revision of auth store is old".</summary>
    OldAuthRevision = 42,

    /// <summary>The caller may not do that. etcd: "permission denied".</summary>
    PermissionDenied = 43,

    /// <summary>Nobody could ever disable what is to be enabled. etcd: "root user does not exist".</summary>
    RootUserMissing = 44,

    /// <summary>The same. etcd: "root user does not have root role".</summary>
    RootRoleMissing = 45,

    /// <summary>A user of that name exists. etcd: "user name already exists".</summary>
    UserExists = 46,

    /// <summary>No such user. etcd: "user name not found".</summary>
    UserNotFound = 47,

    /// <summary>A role of that name exists. etcd: "role name already exists".</summary>
    RoleExists = 48,

    /// <summary>No such role. etcd: "role name not found".</summary>
    RoleNotFound = 49,

    /// <summary>A role must have a name. etcd: "role name is empty".</summary>
    RoleNameEmpty = 50,

    /// <summary>The user does not have that role. etcd: "role is not granted to the user".</summary>
    RoleNotGranted = 51,

    /// <summary>The role has no permission for just those keys. etcd: "permission is not granted to the role".</summary>
    PermissionNotGranted = 52,

    /// <summary>Keys that no permission can name, or root would lose what it needs. etcd: "invalid auth management".</summary>
    InvalidAuthManagement = 53,

    /// <summary>Nobody is asked who it is. etcd: "authentication is not enabled".</summary>
    AuthNotEnabled = 54,

    /// <summary>No such user, or not that password. etcd: "authentication failed, invalid user ID or password".</summary>
    AuthFailed = 55,

    /// <summary>Too few members have started for the group after the change. etcd: "re-configuration failed due to not enough started members".</summary>
    NotEnoughStarted = 80,

    /// <summary>Too few voters are heard by the leader. etcd: "unhealthy cluster".</summary>
    Unhealthy = 81,

    /// <summary>No such member. etcd: "member not found".</summary>
    MemberNotFound = 82,

    /// <summary>Another member has a peer URL. etcd: "Peer URLs already exists".</summary>
    PeerUrlExists = 83,

    /// <summary>As many learners as there may be. etcd: "too many learner members in cluster".</summary>
    TooManyLearners = 84,

    /// <summary>Only learners are promoted. etcd: "can only promote a learner member".</summary>
    NotLearner = 85,

    /// <summary>The learner's log is too far behind. etcd: "can only promote a learner member which is in sync with leader".</summary>
    LearnerNotReady = 86,

    /// <summary>In a command about members: no leader has judged it yet. Never in a reply.</summary>
    NotJudged = 87,

    /// <summary>A range that is to be sorted has more bytes than may be in memory. Only of reads, hence never in a reply.</summary>
    TooLargeToSort = 255,

    /// <summary>An alarm says that a member is over its quota. etcd: "mvcc: database space exceeded".</summary>
    NoSpace = 70,

    /// <summary>An alarm says that members differ. etcd: "corrupt cluster".</summary>
    Corrupt = 71,

    /// <summary>No name of a keyspace: see <see cref="KeyspaceRules.IsName"/>.</summary>
    KeyspaceName = 90,

    /// <summary>A keyspace of that name exists.</summary>
    KeyspaceExists = 91,

    /// <summary>No such keyspace.</summary>
    KeyspaceNotFound = 92,

    /// <summary>There are <see cref="KeyspaceRules.MaxKeyspaces"/> already.</summary>
    TooManyKeyspaces = 93,

    /// <summary>The default keyspace can be neither changed nor deleted.</summary>
    KeyspaceIsDefault = 94,

    /// <summary>A quota below 0.</summary>
    KeyspaceQuota = 95,
}
