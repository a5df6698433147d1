using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>A day in the life of a cluster of three: little is asked, and now and then something breaks.</summary>
internal static class DayScenario
{
    public static SimPlan Plan(ulong seed)
    {
        var random = new Prng(seed ^ 0xDA7);
        return new()
        {
            Seed = seed,
            Options = new() { MaxSyncMicros = 5_000, Engine = new(), LogRetainBytes = 1024 * 1024 },
            Workloads = [new RegisterWorkload { Clients = 3, Keys = 20, ThinkMillis = 5_000 + random.Below(5_000) }],
            Faults =
            [
                new CrashNodes { Interval = TimeSpan.FromMinutes(50) },
                new GracefulStops { Interval = TimeSpan.FromMinutes(70) },
                new Pauses { Interval = TimeSpan.FromMinutes(40) },
                new Partitions { Interval = TimeSpan.FromMinutes(60) },
                new ClockJumps { Interval = TimeSpan.FromMinutes(90) },
            ],
            Span = TimeSpan.FromHours(24),
        };
    }
}
