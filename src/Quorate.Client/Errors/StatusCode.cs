namespace Quorate.Client;

/// <summary>gRPC's status codes, by its names and numbers.</summary>
public enum StatusCode
{
    /// <summary>Done.</summary>
    OK = 0,

    /// <summary>The caller gave up.</summary>
    Canceled = 1,

    /// <summary>Nobody knows better.</summary>
    Unknown = 2,

    /// <summary>The request is wrong.</summary>
    InvalidArgument = 3,

    /// <summary>Time ran out.</summary>
    DeadlineExceeded = 4,

    /// <summary>There is no such thing.</summary>
    NotFound = 5,

    /// <summary>It is there already.</summary>
    AlreadyExists = 6,

    /// <summary>This user may not.</summary>
    PermissionDenied = 7,

    /// <summary>Too much, too many or too large.</summary>
    ResourceExhausted = 8,

    /// <summary>Not in the state that the server is in.</summary>
    FailedPrecondition = 9,

    /// <summary>A conflict.</summary>
    Aborted = 10,

    /// <summary>Outside of what is valid now.</summary>
    OutOfRange = 11,

    /// <summary>This server does not do that.</summary>
    Unimplemented = 12,

    /// <summary>The server is broken.</summary>
    Internal = 13,

    /// <summary>Not now.</summary>
    Unavailable = 14,

    /// <summary>Data was lost or damaged.</summary>
    DataLoss = 15,

    /// <summary>Nobody knows who the caller is.</summary>
    Unauthenticated = 16,
}
