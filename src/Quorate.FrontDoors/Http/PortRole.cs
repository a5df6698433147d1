using Microsoft.AspNetCore.Http;

namespace Quorate.FrontDoors.Http;

/// <summary>What a port is for.</summary>
internal enum PortRole
{
    /// <summary>gRPC, and HTTP/1.1 unless that has ports of its own.</summary>
    Clients,

    /// <summary>HTTP/1.1 for clients: the gateway and the pages.</summary>
    Http,

    /// <summary>Metrics and health only.</summary>
    Pages,
}

/// <summary>The role of the port that a connection came in by; a feature of the connection. Without it: <see cref="PortRole.Clients"/>.</summary>
/// <param name="Role">The role.</param>
/// <param name="Keyspace">The keyspace that the port is for; null: requests choose.</param>
internal sealed record PortFeature(PortRole Role, string? Keyspace = null)
{
    /// <summary>The keyspace of a request's port; null if it is for none.</summary>
    public static string? KeyspaceOf(HttpContext context) => context.Features.Get<PortFeature>()?.Keyspace;

    /// <summary>The role of a request's port.</summary>
    public static PortRole Of(HttpContext context) => context.Features.Get<PortFeature>()?.Role ?? PortRole.Clients;
}
