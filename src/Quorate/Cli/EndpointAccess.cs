using System.Net.Security;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Cli;

/// <summary>What a client needs besides addresses.</summary>
/// <param name="Tls">Certificates and trust; null: this machine's.</param>
/// <param name="Keyspace">The keyspace to ask; null: the one that the ports serve.</param>
/// <param name="User">Who asks; null: nobody, or who the certificate says.</param>
internal sealed record EndpointAccess(SslClientAuthenticationOptions? Tls, string? Keyspace, EtcdUser? User)
{
    /// <summary>Creates a client. Connects, and logs in, at the first call.</summary>
    public EtcdGrpcClient Connect(params IEnumerable<Uri> endpoints) => new(endpoints, tls: Tls, keyspace: Keyspace, user: User);
}
