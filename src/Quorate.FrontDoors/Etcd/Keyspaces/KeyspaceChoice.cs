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
        string path = context.Request.Path.Value ?? "";
        (string? Name, EtcdError? Error) choice = Of(
            PortFeature.KeyspaceOf(context), context.Request.Headers.TryGetValue(Header, out var value) ? value.ToString() : null, ref path);
        context.Request.Path = path;
        return choice;
    }

    /// <summary>As <see cref="Of(HttpContext)"/>.</summary>
    /// <param name="portKeyspace">The port's keyspace, if it is for one.</param>
    /// <param name="header">The metadata's or header's, if it is there.</param>
    /// <param name="path">The request's path; a keyspace in it is taken out.</param>
    public static (string? Name, EtcdError? Error) Of(string? portKeyspace, string? header, ref string path)
    {
        string? name = portKeyspace;
        EtcdError? error = null;
        Add(header, ref name, ref error);
        if (path.StartsWith(Prefix, StringComparison.Ordinal))
        {
            int end = path.IndexOf('/', Prefix.Length);
            Add(end < 0 ? path[Prefix.Length..] : path[Prefix.Length..end], ref name, ref error);
            path = end < 0 ? "/" : path[end..];
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
