using System.Text.Json.Nodes;
using Quorate.Simulation.Checkers;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Writes one history of a run, as its clients go on. Any thread.</summary>
internal sealed class Recorder : IDisposable
{
    private readonly HistoryWriter _writer;
    private readonly RunClock _clock;
    private readonly Lock _lock = new();
    private readonly int[] _counts = new int[4];

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where.</param>
    /// <param name="model">The model to judge it by.</param>
    /// <param name="about">What a reader should know of the run.</param>
    /// <param name="clock">The run's clock.</param>
    public Recorder(string path, string model, JsonObject about, RunClock clock)
    {
        Path = path;
        Model = model;
        _clock = clock;
        _writer = new HistoryWriter(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16), model, about);
    }

    public string Path { get; }

    public string Model { get; }

    /// <summary>Lines of this type that clients have written so far.</summary>
    public int Count(HistoryEventType type) => Volatile.Read(ref _counts[(int)type]);

    /// <summary>A client asks, or has heard, now.</summary>
    public void Write(
        int process, HistoryEventType type, string function, string? key = null, JsonNode? value = null, bool applied = true,
        params ReadOnlySpan<(string Name, JsonNode? Value)> more)
    {
        if (process >= 0) { Interlocked.Increment(ref _counts[(int)type]); }
        lock (_lock)
        {
            // The clock is read inside, so that the lines are in its order.
            _writer.Write(HistoryEvent.Create(process, type, function, _clock.Micros, key, value, applied, more));
        }
    }

    public void Dispose() => _writer.Dispose();
}
