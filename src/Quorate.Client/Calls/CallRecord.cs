using System.Diagnostics;

namespace Quorate.Client;

/// <summary>One call in traces and metrics, by the names of OpenTelemetry's conventions for RPC.</summary>
internal sealed class CallRecord : IDisposable
{
    private readonly string _service;
    private readonly string _method;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Activity? _activity;
    private string _result = "failed";
    private int _attempts;

    public CallRecord(string service, string method)
    {
        (_service, _method) = (service, method);
        _activity = QuorateTelemetry.Activities.StartActivity($"{service}/{method}", ActivityKind.Client);
        _activity?.SetTag("rpc.system", "grpc").SetTag("rpc.service", service).SetTag("rpc.method", method);
    }

    public void Attempt(Uri endpoint)
    {
        _attempts++;
        _activity?.SetTag("server.address", endpoint.Host).SetTag("server.port", endpoint.Port);
    }

    public void Retried() => QuorateTelemetry.Retries.Add(1, new("rpc.service", _service), new KeyValuePair<string, object?>("rpc.method", _method));

    public void Succeeded()
    {
        _result = "ok";
        _activity?.SetTag("rpc.grpc.status_code", 0);
    }

    public QuorateException Failed(QuorateException exception)
    {
        _result = exception.Outcome == Outcome.Unknown ? "unknown" : "failed";
        _activity?.SetTag("rpc.grpc.status_code", (int)exception.Status).SetStatus(ActivityStatusCode.Error, exception.Message);
        return exception;
    }

    public void Canceled()
    {
        _result = "canceled";
        _activity?.SetTag("rpc.grpc.status_code", (int)StatusCode.Canceled);
    }

    public void Dispose()
    {
        QuorateTelemetry.CallDuration.Record(
            Stopwatch.GetElapsedTime(_start).TotalSeconds,
            new("rpc.service", _service), new("rpc.method", _method), new KeyValuePair<string, object?>("quorate.result", _result));
        _activity?.SetTag("quorate.attempts", _attempts);
        _activity?.Dispose();
    }
}
