namespace Quorate.FrontDoors.Etcd;

/// <summary>The etcd version this door claims: clients switch features on by it, so it names the API we serve.</summary>
public static class EtcdVersion
{
    /// <summary>
    /// Three plain numbers: Kubernetes parses it (and wants 3.5.13 or later for consistent reads from its cache), Patroni
    /// turns every part into an integer.
    /// </summary>
    public const string Server = "3.6.5";

    /// <summary>What all members speak.</summary>
    public const string Cluster = "3.6.0";
}
