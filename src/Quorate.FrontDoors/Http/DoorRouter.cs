using System.Text;
using Microsoft.AspNetCore.Http;
using Quorate.FrontDoors.Etcd;

namespace Quorate.FrontDoors.Http;

/// <summary>Which of the door's parts serves a request that is not gRPC: by the port it came in by, and by what it is.</summary>
internal sealed class DoorRouter
{
    private readonly JsonGateway _gateway;
    private readonly StatusPages _pages;
    private readonly HttpAccess _access;
    private readonly bool _clientPortsAreGrpcOnly;

    public DoorRouter(JsonGateway gateway, StatusPages pages, HttpAccess access, bool clientPortsAreGrpcOnly)
    {
        _gateway = gateway;
        _pages = pages;
        _access = access;
        _clientPortsAreGrpcOnly = clientPortsAreGrpcOnly;
    }

    /// <summary>Serves one request.</summary>
    public Task ServeAsync(HttpContext context)
    {
        PortRole role = PortFeature.Of(context);
        if (role == PortRole.Clients && _clientPortsAreGrpcOnly)
        {
            return NotHere(context, "This port takes gRPC only; HTTP has the ports of --listen-client-http-urls.\n");
        }

        if (!_access.Admits(context)) { return Task.CompletedTask; }
        if (StatusPages.Claims(context)) { return _pages.ServeAsync(context); }
        return role == PortRole.Pages ? NotHere(context, "404 page not found\n") : _gateway.ServeAsync(context);
    }

    private static Task NotHere(HttpContext context, string text)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = text.Length;
        Encoding.ASCII.GetBytes(text, context.Response.BodyWriter);
        return Task.CompletedTask;
    }
}
