using Quorate.Node.Tls;

namespace Quorate.FrontDoors.Http;

/// <summary>What became of one connection's TLS handshake: Kestrel tells its reasons only to its log, without the connection.</summary>
internal sealed class TlsHandshake
{
    /// <summary>Where Kestrel says, at debug level, why a handshake failed.</summary>
    public const string LogCategory = "Microsoft.AspNetCore.Server.Kestrel.Https.Internal.HttpsConnectionMiddleware";

    private static readonly AsyncLocal<TlsHandshake?> CurrentOne = new();

    /// <summary>The handshake in whose flow this code runs.</summary>
    public static TlsHandshake? Current => CurrentOne.Value;

    /// <summary>True once the connection is encrypted.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Why it failed.</summary>
    public TlsObjection Reason { get; private set; } = new("tls-handshake", "the client did not complete it in time, or hung up");

    /// <summary>Starts one: from here on it is <see cref="Current"/> of all that the caller calls.</summary>
    public static TlsHandshake Begin() => CurrentOne.Value = new TlsHandshake();

    /// <summary>The client's certificate is not taken.</summary>
    public void Refused(TlsObjection objection) => Reason = objection;

    /// <summary>Kestrel's reason; one of ours goes before.</summary>
    /// <param name="exception">What it said.</param>
    /// <param name="isWhole">The exception itself says why, not the innermost one.</param>
    public void Failed(Exception exception, bool isWhole = false)
    {
        Exception cause = isWhole ? exception : exception.GetBaseException();
        if (Reason.Kind == "tls-handshake" && cause is not OperationCanceledException) { Reason = Reason with { Text = cause.Message }; }
    }

    /// <summary>It succeeded; requests need not carry it along.</summary>
    public void Done()
    {
        IsDone = true;
        CurrentOne.Value = null;
    }
}
