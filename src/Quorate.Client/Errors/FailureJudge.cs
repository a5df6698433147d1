namespace Quorate.Client;

/// <summary>What a failed attempt tells, and so whether it may be repeated.</summary>
internal enum Verdict
{
    /// <summary>Nothing was sent: another endpoint may do it.</summary>
    NotSent,

    /// <summary>The server did nothing; it, or another one, may do it a little later.</summary>
    NotNow,

    /// <summary>The server did nothing since it does not take the token; with a new one it may.</summary>
    BadToken,

    /// <summary>The server did nothing, and would say the same again.</summary>
    Final,

    /// <summary>The server will say the same again, but may have done it.</summary>
    FinalButUnknown,

    /// <summary>It may have happened, or may happen yet.</summary>
    Unknown,
}

/// <summary>Reads failures of etcd and Quorate. The words matter more than the code: "Unavailable" says both "I did nothing" and "I do not know".</summary>
internal static class FailureJudge
{
    public const string Compacted = "etcdserver: mvcc: required revision has been compacted";
    public const string LeaseExists = "etcdserver: lease already exists";
    public const string LeaseNotFound = "etcdserver: requested lease not found";
    public const string AuthNotEnabled = "etcdserver: authentication is not enabled";

    private const string WrongPassword = "etcdserver: authentication failed, invalid user ID or password";
    private const string TooLarge = "etcdserver: request is too large";

    // Said before anything is proposed. "leader changed", "request timed out" and "server stopped" are not among them: they are
    // also said to whoever waits for a write that was proposed.
    private static readonly string[] NotNow =
        ["etcdserver: no leader", "etcdserver: too many requests", "etcdserver: rpc not supported for learner"];

    // Checked before the proposal, and again, without effect, when it is applied.
    private static readonly string[] BadTokens =
        ["etcdserver: invalid auth token", "etcdserver: user name is empty", "etcdserver: revision of auth store is old"];

    public static Verdict Of(RpcFailure failure)
    {
        if (!failure.WasSent) { return Verdict.NotSent; }
        if (NotNow.Contains(failure.Message)) { return Verdict.NotNow; }
        if (BadTokens.Contains(failure.Message)) { return Verdict.BadToken; }
        if (failure.Message == TooLarge) { return Verdict.Final; }
        return failure.Status switch
        {
            // etcd applies the write that crosses its quota and answers "database space exceeded" all the same; and an answer that
            // is too large for gRPC belongs to a request that was carried out.
            StatusCode.ResourceExhausted or StatusCode.DataLoss => Verdict.FinalButUnknown,
            StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Canceled or StatusCode.Unknown
                or StatusCode.Internal or StatusCode.Aborted => Verdict.Unknown,
            _ => Verdict.Final,
        };
    }

    /// <summary>What the caller gets.</summary>
    /// <param name="failure">The last failure.</param>
    /// <param name="mayHaveHappened">It, or an attempt before it, may have changed something.</param>
    public static QuorateException ToException(RpcFailure failure, bool mayHaveHappened)
    {
        Outcome outcome = mayHaveHappened ? Outcome.Unknown : Outcome.NothingHappened;
        return Of(failure) switch
        {
            Verdict.BadToken => new AccessDeniedException(failure.Status, failure.Message, outcome, failure),
            Verdict.Final or Verdict.FinalButUnknown => Refused(failure, outcome),
            _ when mayHaveHappened => new OutcomeUnknownException(failure.Status, failure.Message, failure),
            _ => new UnavailableException(failure.Status, failure.Message, failure),
        };
    }

    private static RefusedException Refused(RpcFailure failure, Outcome outcome) => failure switch
    {
        { Message: Compacted } => new CompactedException(0, failure.Message, outcome, failure),
        { Message: LeaseNotFound } => new LeaseNotFoundException(failure.Message, outcome, failure),
        { Message: WrongPassword } or { Status: StatusCode.PermissionDenied or StatusCode.Unauthenticated } =>
            new AccessDeniedException(failure.Status, failure.Message, outcome, failure),
        _ => new RefusedException(failure.Status, failure.Message, outcome, failure),
    };
}
