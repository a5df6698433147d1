using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>Scenarios in which the members' states are compared all the time.</summary>
internal static class CheckScenarios
{
    /// <summary>The state of one replica at a time is changed silently; the comparison must find it, and the others fill it anew.</summary>
    public static SimPlan Silent(ulong seed)
    {
        var random = new Prng(seed ^ 0x51E7);
        return new()
        {
            Seed = seed,
            Options = new()
            {
                Nodes = random.Chance(1, 2) ? 3 : 5,
                FlushEntries = 20 + random.Below(100),
                LogRetainBytes = 1024 * 1024, // Nobody needs a snapshot but who is set aside: it could come from who is wrong.
                CheckTicks = 60 + random.Below(100),
                CheckSliceBytes = 5_000 + random.Below(100_000),
                Streams = random.Chance(1, 2),
                Raft = new() { HeartbeatTicks = 5, ElectionTicks = 50, MaxAppendBytes = 4096, MaxInflightMessages = 1 + random.Below(8), MaxInflightBytes = 16 * 1024 },
            },
            Workloads = [new RegisterWorkload { Clients = 6, Keys = 1 + random.Below(3), ThinkMillis = 10 + random.Below(30), PaddingBytes = 100 }],
            Faults =
            [
                new SilentChanges(),
                .. random.Chance(1, 2) ? new SimFault[] { new CrashNodes { Interval = TimeSpan.FromSeconds(2), Down = TimeSpan.FromMilliseconds(300), ManyPercent = 0 } } : [],
                .. random.Chance(1, 2) ? new SimFault[] { new Transfers { Interval = TimeSpan.FromMilliseconds(900) } } : [],
            ],
            Span = TimeSpan.FromSeconds(15),
            HealWithin = TimeSpan.FromSeconds(60),
        };
    }

    /// <summary>The sweep's clusters and faults: states are never changed, so no replica may ever be found to differ.</summary>
    public static SimPlan Sweep(ulong seed)
    {
        SimPlan plan = SwarmScenario.Plan(seed);
        var random = new Prng(seed ^ 0xC4EC);
        return plan with
        {
            Options = plan.Options with { CheckTicks = 20 + random.Below(300), ChecksAtStart = random.Chance(1, 2), CheckSliceBytes = 5_000 + random.Below(100_000) },
        };
    }
}
