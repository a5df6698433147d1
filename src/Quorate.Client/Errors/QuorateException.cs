namespace Quorate.Client;

/// <summary>What a failure tells of the request.</summary>
public enum Outcome
{
    /// <summary>It was not carried out, and will not be.</summary>
    NothingHappened,

    /// <summary>It may have been carried out, or may be yet.</summary>
    Unknown,
}

/// <summary>A request that did not succeed. <see cref="Outcome"/> is the first thing to look at after a write.</summary>
public abstract class QuorateException : Exception
{
    private protected QuorateException(StatusCode status, string message, Outcome outcome, Exception? inner = null)
        : base(message, inner) => (Status, Outcome) = (status, outcome);

    /// <summary>The server's status, or what comes nearest if no server answered.</summary>
    public StatusCode Status { get; }

    /// <summary>Whether it may have happened. Of a read: <see cref="Outcome.NothingHappened"/>, since it changes nothing.</summary>
    public Outcome Outcome { get; }
}

/// <summary>No server could be asked in time, or all said that they cannot at the moment. Nothing happened: it may be asked again.</summary>
public sealed class UnavailableException : QuorateException
{
    internal UnavailableException(StatusCode status, string message, Exception? inner = null)
        : base(status, message, Outcome.NothingHappened, inner)
    {
    }
}

/// <summary>A write was sent, and no answer tells what became of it: it may have happened, or may happen yet.</summary>
/// <remarks>Reading shows only whether it has happened by then. Repeating it may do it twice, unless the write allows for that.</remarks>
public sealed class OutcomeUnknownException : QuorateException
{
    internal OutcomeUnknownException(StatusCode status, string message, Exception? inner = null)
        : base(status, message, Outcome.Unknown, inner)
    {
    }
}

/// <summary>The server refused, and would do so again.</summary>
public class RefusedException : QuorateException
{
    internal RefusedException(StatusCode status, string message, Outcome outcome, Exception? inner = null)
        : base(status, message, outcome, inner)
    {
    }
}

/// <summary>The user, the password or the token is wrong, or the user may not do this. Nothing happened.</summary>
public sealed class AccessDeniedException : RefusedException
{
    internal AccessDeniedException(StatusCode status, string message, Outcome outcome, Exception? inner = null)
        : base(status, message, outcome, inner)
    {
    }
}

/// <summary>There is no such lease, or no more. Nothing happened.</summary>
public sealed class LeaseNotFoundException : RefusedException
{
    internal LeaseNotFoundException(string message, Outcome outcome, Exception? inner = null)
        : base(StatusCode.NotFound, message, outcome, inner)
    {
    }
}

/// <summary>What was asked for lies before the oldest revision that the store still has.</summary>
public sealed class CompactedException : RefusedException
{
    internal CompactedException(long restartFrom, string message, Outcome outcome = Outcome.NothingHappened, Exception? inner = null)
        : base(StatusCode.OutOfRange, message, outcome, inner) => RestartFrom = restartFrom;

    /// <summary>
    /// Of a watch: the oldest revision that can be watched. Events before it are lost: to miss nothing, read the keys anew and watch from
    /// that answer's revision + 1, as <see cref="QuorateClient.MirrorAsync"/> does. Of a read: 0, the server does not say.
    /// </summary>
    public long RestartFrom { get; }
}

/// <summary>The caller's token was cancelled.</summary>
public sealed class CallCanceledException : OperationCanceledException
{
    internal CallCanceledException(Outcome outcome, CancellationToken token)
        : base(outcome == Outcome.Unknown ? "cancelled after it was sent: it may have happened" : "cancelled; nothing happened", token) =>
        Outcome = outcome;

    /// <summary>Whether the request may have been carried out.</summary>
    public Outcome Outcome { get; }
}
