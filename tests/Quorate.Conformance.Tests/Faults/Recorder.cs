using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>How an operation ended, as far as the client can know.</summary>
internal enum Outcome
{
    /// <summary>It happened.</summary>
    Ok,

    /// <summary>It did not happen and never will.</summary>
    Fail,

    /// <summary>It may have happened, or may happen yet.</summary>
    Info,
}

/// <summary>Writes a history of one run, one JSON object a line, with times of one clock. Any thread.</summary>
internal sealed class Recorder(string path, RunClock clock) : IDisposable
{
    private readonly StreamWriter _file = new(path);
    private readonly int[] _counts = new int[3];
    private readonly Lock _lock = new();
    private int _processes;

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>Operations that ended like this so far.</summary>
    public int Count(Outcome outcome) => Volatile.Read(ref _counts[(int)outcome]);

    /// <summary>A number for a client that begins, or goes on after an unknown outcome.</summary>
    public int NewProcess() => Interlocked.Increment(ref _processes) - 1;

    /// <summary>A client asks, now.</summary>
    public void Invoke(int process, string function, string key, JsonNode? value = null) =>
        Write(process, "invoke", function, key, value, applied: true);

    /// <summary>A client has heard, now.</summary>
    public void Complete(int process, Outcome outcome, string function, string key, JsonNode? value = null, bool applied = true)
    {
        Interlocked.Increment(ref _counts[(int)outcome]);
        string type = outcome switch { Outcome.Ok => "ok", Outcome.Fail => "fail", _ => "info" };
        Write(process, type, function, key, value, applied);
    }

    /// <summary>A fault begins or ends.</summary>
    public void Fault(string what, string detail) => Write("nemesis", "info", what, key: null, detail, applied: true);

    public void Dispose() => _file.Dispose();

    private void Write(JsonNode process, string type, string function, string? key, JsonNode? value, bool applied)
    {
        var line = new JsonObject { ["process"] = process, ["type"] = type, ["f"] = function };
        if (key is not null) { line["key"] = key; }
        if (value is not null) { line["value"] = value; }
        if (!applied) { line["applied"] = false; }
        lock (_lock)
        {
            // The clock is read inside, so that the lines are in its order.
            line["time"] = clock.Micros;
            _file.WriteLine(line.ToJsonString());
        }
    }
}

/// <summary>The one clock of a run.</summary>
internal sealed class RunClock
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>Microseconds since the run began.</summary>
    public long Micros => _watch.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond;
}
