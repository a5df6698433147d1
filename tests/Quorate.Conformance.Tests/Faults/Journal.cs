using System.Diagnostics;
using System.Text.Json.Nodes;
using Quorate.Simulation.Checkers;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>The one clock of a run.</summary>
internal sealed class RunClock
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>Microseconds since the run began.</summary>
    public long Micros => _watch.Elapsed.Ticks / TimeSpan.TicksPerMicrosecond;
}

/// <summary>
/// The two histories of a run: all that was asked of the store, and of that the part which treats keys as registers. Any thread.
/// </summary>
internal sealed class Journal : IDisposable
{
    private int _processes;

    /// <summary>Begins both files.</summary>
    public Journal(string directory, JsonObject about)
    {
        Strikes = new Strikes(Clock);
        Store = new Recorder(Path.Combine(directory, "etcd.jsonl"), "etcd", about, Clock);
        Registers = new Recorder(Path.Combine(directory, "register.jsonl"), "register", about, Clock);
    }

    public RunClock Clock { get; } = new();

    /// <summary>Every request and answer of every client, in the words of the model etcd.</summary>
    public Recorder Store { get; }

    /// <summary>Reads, writes and compare-and-sets of registers.</summary>
    public Recorder Registers { get; }

    /// <summary>Which faults had an effect.</summary>
    public Strikes Strikes { get; }

    /// <summary>Answers to clients so far.</summary>
    public int Acknowledged => Store.Count(HistoryEventType.Ok);

    /// <summary>A number for a client that begins, or goes on after an unknown outcome.</summary>
    public int NewProcess() => Interlocked.Increment(ref _processes) - 1;

    /// <summary>A fault begins or ends.</summary>
    public void Fault(string what, string detail)
    {
        Store.Write(-1, HistoryEventType.Info, what, value: detail);
        Registers.Write(-1, HistoryEventType.Info, what, value: detail);
    }

    public void Dispose()
    {
        Store.Dispose();
        Registers.Dispose();
    }
}
