using System.Text;
using Microsoft.AspNetCore.Http;
using Quorate.FrontDoors.Etcd;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Http;

/// <summary>The plain HTTP pages that etcd's clients, load balancers and probes ask for: version and health.</summary>
internal sealed class StatusPages
{
    private static readonly string Version =
        $$"""{"etcdserver":"{{EtcdVersion.Server}}","etcdcluster":"{{EtcdVersion.Cluster}}"}""";

    private readonly EtcdService _service;

    public StatusPages(EtcdService service) => _service = service;

    /// <summary>True if the request is for one of these pages, whatever its method.</summary>
    public static bool Claims(HttpContext context) =>
        context.Request.Path.Value is "/version" or "/health" or "/livez" or "/readyz";

    /// <summary>Serves one request.</summary>
    public Task ServeAsync(HttpContext context)
    {
        if (context.Request.Method != HttpMethods.Get)
        {
            context.Response.Headers.Allow = HttpMethods.Get;
            return Write(context, StatusCodes.Status405MethodNotAllowed, "text/plain; charset=utf-8", "Method Not Allowed\n");
        }

        return context.Request.Path.Value switch
        {
            "/version" => Write(context, StatusCodes.Status200OK, "application/json", Version),
            "/health" => Health(context),
            "/livez" => Probe(context, ReadLevel.Local),
            _ => Probe(context, ReadLevel.Linearizable),
        };
    }

    // etcd: {"health":"true","reason":""}, or 503 with the reason. serializable=true asks of this node alone, exclude=NOSPACE is
    // deaf to an alarm.
    private async Task Health(HttpContext context)
    {
        bool isLocal = context.Request.Query["serializable"] == "true";
        Microsoft.Extensions.Primitives.StringValues excluded = context.Request.Query["exclude"];
        string? reason = await _service.Unhealthy(
            isLocal ? ReadLevel.Local : ReadLevel.Linearizable, alarm => !excluded.Contains(EtcdErrors.NameOf(alarm)), context.RequestAborted);
        await Write(
            context,
            reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
            "application/json",
            reason is null ? """{"health":"true","reason":""}""" : $$"""{"health":"false","reason":"{{reason}}"}""");
    }

    private async Task Probe(HttpContext context, ReadLevel level)
    {
        string name = level == ReadLevel.Local ? "serializable_read" : "linearizable_read";
        string? reason = await _service.Unhealthy(
            level, alarm => level == ReadLevel.Linearizable && alarm == KvAlarmType.Corrupt, context.RequestAborted);
        bool isVerbose = context.Request.Query.ContainsKey("verbose");
        string text = reason is not null ? $"[-]{name} failed: {reason}\n" : isVerbose ? $"[+]{name} ok\nok\n" : "ok\n";
        await Write(
            context,
            reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
            "text/plain; charset=utf-8",
            text);
    }

    private static Task Write(HttpContext context, int status, string contentType, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = Encoding.UTF8.GetByteCount(text);
        Encoding.UTF8.GetBytes(text, context.Response.BodyWriter);
        return Task.CompletedTask;
    }
}
