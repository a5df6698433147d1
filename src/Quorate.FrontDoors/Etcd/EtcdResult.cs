using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd;

/// <summary>An answer, whole or in parts, or an error.</summary>
internal readonly record struct EtcdResult
{
    private EtcdResult(IMessage? response, EtcdParts? parts, EtcdError? error)
    {
        Response = response;
        Parts = parts;
        Error = error;
    }

    /// <summary>The answer, unless there is an error or it comes in parts.</summary>
    public IMessage? Response { get; }

    /// <summary>The answer if it is a large one.</summary>
    public EtcdParts? Parts { get; }

    /// <summary>Null if it went well.</summary>
    public EtcdError? Error { get; }

    public static EtcdResult Of(IMessage response) => new(response, null, null);

    public static EtcdResult Of(EtcdParts parts) => new(null, parts, null);

    public static implicit operator EtcdResult(EtcdError error) => new(null, null, error);
}

/// <summary>What comes with a request besides its message.</summary>
/// <param name="RequireLeader">Metadata <c>hasleader: true</c>: fail at once if this node knows no leader.</param>
/// <param name="Stop">The caller gave up, or its deadline passed.</param>
/// <param name="CertificateUser">
/// The common name of the client's verified certificate, if <c>--client-cert-auth</c> asks for one. Never set by the JSON gateway,
/// as in etcd.
/// </param>
/// <param name="Token">Metadata <c>token</c>, or <c>authorization</c> without "Bearer "; null if there is none.</param>
internal readonly record struct EtcdCall(
    bool RequireLeader, CancellationToken Stop, string? CertificateUser = null, string? Token = null)
{
    /// <summary>It is the server's own doing, not a client's: it may do everything.</summary>
    public bool IsMember { get; init; }
}
