using Microsoft.AspNetCore.Http;

namespace Quorate.FrontDoors.Http;

/// <summary>The common name of the certificate that a connection's client has proved to hold; a feature of the connection.</summary>
/// <param name="Name">Not empty.</param>
internal sealed record CertificateUser(string Name)
{
    // grpc-gateway sets it on what it passes on: the certificate is the gateway's then, not the caller's.
    private const string GatewayMark = "grpcgateway-accept";

    /// <summary>Who sent a request; null without TLS, if certificates are not asked for or name nobody, and if a gateway passes it on.</summary>
    public static string? Of(HttpContext context) =>
        context.Request.IsHttps && !context.Request.Headers.ContainsKey(GatewayMark) ? context.Features.Get<CertificateUser>()?.Name : null;
}
