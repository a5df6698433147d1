namespace Quorate.Client;

/// <summary>The lease is lost, and with it what was held by it: a lock, a place in a queue, leadership. Nothing happened.</summary>
public sealed class LeaseLostException : QuorateException
{
    internal LeaseLostException(string message)
        : base(StatusCode.FailedPrecondition, message, Outcome.NothingHappened)
    {
    }
}
