using System.Diagnostics;
using Quorate.Simulation;

namespace Quorate.Sim;

/// <summary>Many seeds on several threads. Each run is one thread's business from beginning to end, so they share nothing.</summary>
internal sealed class SimSweep
{
    private readonly Lock _lock = new();
    private ulong _taken;

    /// <summary>Makes the plan of a seed; a new one each time.</summary>
    public required Func<ulong, SimPlan> Plan { get; init; }

    /// <summary>Which seeds.</summary>
    public required SeedRange Seeds { get; init; }

    /// <summary>Threads.</summary>
    public required int Jobs { get; init; }

    /// <summary>No run starts after this much real time.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.MaxValue;

    /// <summary>No run starts after so many failures: they are mostly one bug.</summary>
    public int MostFailures { get; init; } = int.MaxValue;

    /// <summary>Runs them. Returns when the last run that was begun has ended.</summary>
    /// <param name="done">Told of each run as it ends, by one thread at a time.</param>
    /// <param name="stop">No run starts after this.</param>
    public void Run(Action<SimResult> done, CancellationToken stop)
    {
        long start = Stopwatch.GetTimestamp();
        int failures = 0;
        Exception? broken = null;
        Thread[] threads = [.. Enumerable.Range(0, Jobs).Select(i => new Thread(Work) { Name = $"sim-{i}", IsBackground = true })];
        foreach (Thread thread in threads) { thread.Start(); }
        foreach (Thread thread in threads) { thread.Join(); }
        if (broken is not null) { throw new InvalidOperationException($"the simulator itself broke: {broken.Message}", broken); }

        void Work()
        {
            try
            {
                while (Take() is { } seed)
                {
                    SimResult result = SimRun.Execute(Plan(seed));
                    lock (_lock)
                    {
                        if (result.Failure is not null) { failures++; }
                        done(result);
                    }
                }
            }
            catch (Exception e)
            {
                lock (_lock) { broken ??= e; }
            }
        }

        ulong? Take()
        {
            lock (_lock)
            {
                bool isOver = broken is not null || stop.IsCancellationRequested || failures >= MostFailures
                    || _taken == Seeds.Count || Stopwatch.GetElapsedTime(start) >= Within;
                return isOver ? null : Seeds.First + _taken++;
            }
        }
    }
}
