using Microsoft.AspNetCore.Http;

namespace Quorate.FrontDoors.Http;

/// <summary>The common name of the certificate that a connection's client has proved to hold; a feature of the connection.</summary>
/// <param name="Name">Not empty.</param>
internal sealed record CertificateUser(string Name)
{
    /// <summary>Who sent a request; null without TLS, and if certificates are not asked for or name nobody.</summary>
    public static string? Of(HttpContext context) =>
        context.Request.IsHttps ? context.Features.Get<CertificateUser>()?.Name : null;
}
