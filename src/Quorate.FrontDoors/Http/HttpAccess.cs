using System.Collections.Immutable;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Quorate.FrontDoors.Http;

/// <summary>
/// Which plain HTTP requests are let in: those that call the server by a name that is allowed (a page of a foreign site cannot then
/// have a browser call it under that site's name, "DNS rebinding"), and what browsers are told of other origins. gRPC is not asked.
/// </summary>
internal sealed class HttpAccess
{
    private readonly ImmutableHashSet<string> _hosts;
    private readonly ImmutableHashSet<string> _origins;

    /// <param name="hosts">Allowed names, without ports. Empty, or <c>*</c> among them: any.</param>
    /// <param name="origins">Allowed origins. Empty, or <c>*</c> among them: any.</param>
    public HttpAccess(ImmutableArray<string> hosts, ImmutableArray<string> origins)
    {
        _hosts = hosts.Contains("*") ? [] : hosts.ToImmutableHashSet(StringComparer.OrdinalIgnoreCase);
        _origins = origins.Contains("*") ? [] : origins.ToImmutableHashSet(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>True if the request may be served; if not, it has been answered. Adds what browsers are told to the answer.</summary>
    public bool Admits(HttpContext context)
    {
        HttpResponse response = context.Response;
        string host = context.Request.Host.Host;
        if (!context.Request.IsHttps && !_hosts.IsEmpty && !_hosts.Contains(host))
        {
            response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            response.ContentType = "text/plain; charset=utf-8";
            string text = $"This server is not to be called '{host}' without TLS. Use https, or add the name to --host-whitelist.\n";
            response.ContentLength = Encoding.UTF8.GetByteCount(text);
            Encoding.UTF8.GetBytes(text, response.BodyWriter);
            return false;
        }

        string origin = context.Request.Headers.Origin.ToString();
        if (_origins.IsEmpty || _origins.Contains(origin))
        {
            response.Headers.AccessControlAllowMethods = "POST, GET, OPTIONS, PUT, DELETE";
            response.Headers.AccessControlAllowOrigin = _origins.IsEmpty ? "*" : origin;
            response.Headers.AccessControlAllowHeaders = "accept, content-type, authorization";
        }

        return context.Request.Method != HttpMethods.Options; // 200, and no body (etcd).
    }
}
