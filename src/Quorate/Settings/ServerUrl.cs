using System.Globalization;
using System.Net;

namespace Quorate.Settings;

/// <summary>An address of a server as the operator wrote it: scheme, host, port and nothing more.</summary>
/// <param name="Text">As written, without a trailing slash; what other members and clients see.</param>
/// <param name="Host">Name or IP address; an IPv6 address without brackets.</param>
/// <param name="Port">1 to 65535.</param>
internal sealed record ServerUrl(string Text, string Host, int Port)
{
    private const string Http = "http://";
    private const string Https = "https://";

    /// <summary>True for https.</summary>
    public bool IsTls => Text.StartsWith(Https, StringComparison.Ordinal);

    /// <summary>True if only this machine can reach it.</summary>
    public bool IsLoopback =>
        Host == "localhost" || (IPAddress.TryParse(Host, out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>The address to bind. Null if the host is neither <c>localhost</c> nor an IP address.</summary>
    public IPEndPoint? BindAddress =>
        Host == "localhost" ? new IPEndPoint(IPAddress.Loopback, Port)
        : IPAddress.TryParse(Host, out IPAddress? address) ? new IPEndPoint(address, Port)
        : null;

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>Reads one URL.</summary>
    /// <returns>What is wrong with it, as the end of a sentence that starts with the setting's name; null if nothing is.</returns>
    public static string? TryParse(string text, out ServerUrl? url)
    {
        url = null;
        if (text.Length == 0) { return "has an empty URL"; }
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) { return $"has '{text}', which is not a URL; write http://{text}"; }
        string? prefix = new[] { Http, Https }.FirstOrDefault(s => text.StartsWith(s, StringComparison.OrdinalIgnoreCase));
        if (prefix is null) { return $"has '{text}'; the scheme must be http:// or https://"; }
        string rest = text[prefix.Length..].TrimEnd('/');
        if (rest.AsSpan().IndexOfAny("/?#@ ") >= 0) { return $"has '{text}'; write only {prefix}host:port"; }
        int colon = rest.LastIndexOf(':');
        if (colon < 0 || rest.EndsWith(']')) { return $"has '{text}', which lacks a port; write {prefix}{rest}:2379 or the like"; }
        string host = rest[..colon];
        if (host.Length == 0) { return $"has '{text}', which lacks a host; write {prefix}0.0.0.0:{rest[1..]} to mean all addresses"; }
        if (!int.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port is < 1 or > 65535)
        {
            return $"has '{text}'; the port must be 1 to 65535";
        }

        if (host.StartsWith('[') && host.EndsWith(']')) { host = host[1..^1]; }
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown) { return $"has '{text}'; '{host}' is not a host name or IP address"; }
        url = new ServerUrl(prefix + rest, host, port);
        return null;
    }
}
