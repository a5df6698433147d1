using Microsoft.AspNetCore.Http;
using Quorate.FrontDoors.Http;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// Which keyspace a request is for: its port's, the one in its path (<c>/keyspaces/NAME/v3/...</c>), or the one in its metadata or
/// header. They must not contradict each other: who was given a port for one keyspace reaches no other by it.
/// </summary>
internal static class KeyspaceChoice
{
    /// <summary>gRPC metadata and HTTP header.</summary>
    public const string Header = "quorate-keyspace";

    private const string Prefix = "/keyspaces/";

    /// <summary>The name that was asked for, null if none was; or why it cannot be told. Takes the name out of the request's path.</summary>
    public static (string? Name, EtcdError? Error) Of(HttpContext context)
    {
        string? name = PortFeature.KeyspaceOf(context);
        EtcdError? error = null;
        Add(context.Request.Headers.TryGetValue(Header, out var value) ? value.ToString() : null, ref name, ref error);
        string path = context.Request.Path.Value ?? "";
        if (path.StartsWith(Prefix, StringComparison.Ordinal))
        {
            int end = path.IndexOf('/', Prefix.Length);
            Add(end < 0 ? path[Prefix.Length..] : path[Prefix.Length..end], ref name, ref error);
            context.Request.Path = end < 0 ? "/" : path[end..];
        }

        return (name, error);
    }

    private static void Add(string? added, ref string? name, ref EtcdError? error)
    {
        if (added is null) { return; }
        if (name is not null && name != added) { error ??= EtcdErrors.KeyspacesContradict; }
        name ??= added;
    }
}
