using Google.Protobuf;

namespace Quorate.FrontDoors.Etcd;

/// <summary>An answer or an error; never both.</summary>
internal readonly record struct EtcdResult
{
    private EtcdResult(IMessage? response, EtcdError? error)
    {
        Response = response;
        Error = error;
    }

    /// <summary>The answer, unless there is an error.</summary>
    public IMessage? Response { get; }

    /// <summary>Null if it went well.</summary>
    public EtcdError? Error { get; }

    public static EtcdResult Of(IMessage response) => new(response, null);

    public static implicit operator EtcdResult(EtcdError error) => new(null, error);
}

/// <summary>What comes with a request besides its message.</summary>
/// <param name="RequireLeader">Metadata <c>hasleader: true</c>: fail at once if this node knows no leader.</param>
/// <param name="Stop">The caller gave up, or its deadline passed.</param>
/// <param name="CertificateUser">
/// The common name of the client's verified certificate, if <c>--client-cert-auth</c> asks for one. Never set by the JSON gateway,
/// as in etcd.
/// </param>
internal readonly record struct EtcdCall(bool RequireLeader, CancellationToken Stop, string? CertificateUser = null);
