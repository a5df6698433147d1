using System.Text;
using Microsoft.AspNetCore.Http;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Metrics;
using Quorate.Replication;
using Quorate.StateMachines.KeyValue;

namespace Quorate.FrontDoors.Http;

/// <summary>The plain HTTP pages that etcd's clients, load balancers, probes and Prometheus ask for: version, health, metrics.</summary>
internal sealed class StatusPages
{
    private const string PlainText = "text/plain; charset=utf-8";

    private static readonly string Version =
        $$"""{"etcdserver":"{{EtcdVersion.Server}}","etcdcluster":"{{EtcdVersion.Cluster}}","storage":"{{EtcdVersion.Cluster}}"}""";

    // As in etcd: alive is who can read what it has; ready is who also can say what the others have.
    private static readonly string[] LivenessChecks = ["serializable_read"];
    private static readonly string[] ReadinessChecks = ["data_corruption", "serializable_read", "linearizable_read", "non_learner"];

    private readonly EtcdService _service;
    private readonly EtcdMetrics _metrics;
    private readonly HealthMeter _meter;

    public StatusPages(EtcdService service, EtcdMetrics metrics, HealthMeter meter)
    {
        _service = service;
        _metrics = metrics;
        _meter = meter;
    }

    /// <summary>True if the request is for one of these pages, whatever its method.</summary>
    public static bool Claims(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        return path is "/version" or "/health" or "/metrics" || Checks(path) is not null;
    }

    /// <summary>Serves one request.</summary>
    public Task ServeAsync(HttpContext context)
    {
        if (context.Request.Method != HttpMethods.Get)
        {
            context.Response.Headers.Allow = HttpMethods.Get;
            return Write(context, StatusCodes.Status405MethodNotAllowed, PlainText, "Method Not Allowed\n");
        }

        return context.Request.Path.Value switch
        {
            "/version" => Write(context, StatusCodes.Status200OK, "application/json", Version),
            "/health" => Health(context),
            "/metrics" => Write(context, StatusCodes.Status200OK, MetricsText.ContentType, _metrics.Render()),
            _ => Probe(context, Checks(context.Request.Path.Value!)!),
        };
    }

    // /livez and /readyz make all their checks, /livez/NAME and /readyz/NAME one. Null: no such page.
    private static string[]? Checks(string path)
    {
        foreach ((string root, string[] checks) in new[] { ("/livez", LivenessChecks), ("/readyz", ReadinessChecks) })
        {
            if (!path.StartsWith(root, StringComparison.Ordinal)) { continue; }
            if (path.Length == root.Length) { return checks; }
            if (path[root.Length] == '/' && checks.Contains(path[(root.Length + 1)..])) { return [path[(root.Length + 1)..]]; }
        }

        return null;
    }

    // etcd: {"health":"true","reason":""}, or 503 with the reason. serializable=true asks of this node alone, exclude=NOSPACE is
    // deaf to an alarm.
    private async Task Health(HttpContext context)
    {
        bool isLocal = context.Request.Query["serializable"] == "true";
        Microsoft.Extensions.Primitives.StringValues excluded = context.Request.Query["exclude"];
        string? reason = await _service.Unhealthy(
            isLocal ? ReadLevel.Local : ReadLevel.Linearizable, alarm => !excluded.Contains(EtcdErrors.NameOf(alarm)), context.RequestAborted);
        _meter.Count("health", "health", reason is null);
        await Write(
            context,
            reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
            "application/json",
            reason is null ? """{"health":"true","reason":""}""" : $$"""{"health":"false","reason":"{{reason}}"}""");
    }

    private async Task Probe(HttpContext context, string[] checks)
    {
        string page = context.Request.Path.Value![1..].Split('/')[0];
        var text = new StringBuilder();
        bool isWell = true;
        foreach (string check in checks.Except(context.Request.Query["exclude"].OfType<string>()))
        {
            string? reason = await Reason(check, context.RequestAborted);
            _meter.Count(page, check, reason is null);
            isWell &= reason is null;
            text.Append(reason is null ? $"[+]{check} ok\n" : $"[-]{check} failed: {reason}\n");
        }

        if (isWell && !context.Request.Query.ContainsKey("verbose")) { text.Clear(); }
        await Write(
            context,
            isWell ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
            PlainText,
            isWell ? text.Append("ok\n").ToString() : text.ToString());
    }

    // Null: passed.
    private async ValueTask<string?> Reason(string check, CancellationToken stop) => check switch
    {
        "serializable_read" => await _service.Unhealthy(ReadLevel.Local, static _ => false, stop),
        "linearizable_read" => await _service.Unhealthy(ReadLevel.Linearizable, static _ => false, stop),
        "data_corruption" => await _service.Unhealthy(ReadLevel.Local, static alarm => alarm == KvAlarmType.Corrupt, stop),
        "non_learner" => _service.IsLearner ? EtcdErrors.NotSupportedForLearner.Message : null,
        _ => throw Core.Invariant.Unreachable(check),
    };

    private static Task Write(HttpContext context, int status, string contentType, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentLength = Encoding.UTF8.GetByteCount(text);
        Encoding.UTF8.GetBytes(text, context.Response.BodyWriter);
        return Task.CompletedTask;
    }
}
