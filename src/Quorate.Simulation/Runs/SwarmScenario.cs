using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>
/// The sweep: a seed chooses the cluster, the sizes and a random subset of the faults at random intensities, since faults
/// that are always on hide each other's bugs.
/// </summary>
internal static class SwarmScenario
{
    public static SimPlan Plan(ulong seed) => WorkloadChoice.Any(Registers(seed));

    /// <summary>The same with clients of registers only.</summary>
    public static SimPlan Registers(ulong seed)
    {
        var random = new Prng(seed ^ 0x5EED);
        var options = new SimOptions
        {
            Nodes = new[] { 1, 3, 3, 3, 5 }[random.Below(5)],
            Shards = new[] { 1, 1, 2, 4 }[random.Below(4)],
            LogRetainBytes = new[] { 1_000, 4_000, 16_000, 64_000 }[random.Below(4)],
            MaxSyncMicros = random.Between(200, 30_000),
            MaxDelayMicros = random.Between(200, 20_000),
            MaxJobMicros = new[] { 5_000, 20_000, 200_000 }[random.Below(3)],
            SlowJobMicros = new[] { 0, 1_000_000, 8_000_000 }[random.Below(3)],
            Spares = random.Below(3),
            Buggify = random.Chance(1, 2),
            FlushEntries = new[] { 30, 100, 500 }[random.Below(3)],
            DedupeEntries = new[] { 40, 200, 2_000 }[random.Below(3)],
            Raft = new()
            {
                HeartbeatTicks = 10,
                ElectionTicks = 100,
                MaxAppendBytes = 4096,
                MaxInflightMessages = 1 + random.Below(16),
                MaxInflightBytes = 16 * 1024,
                MaxUncommittedBytes = random.Between(4_096, 65_536),
                MaxCommittedBytes = random.Between(1, 8_192),
            },
        };
        var workload = new RegisterWorkload
        {
            Clients = 2 + random.Below(8),
            Keys = 1 + random.Below(6),
            ThinkMillis = 20 + random.Below(150),
            PaddingBytes = random.Below(600),
        };
        SimFault[] all =
        [
            new CrashLeader { Interval = Seconds(3, 10), Outcome = Outcome() },
            new CrashNodes { Interval = Seconds(3, 10), Outcome = Outcome() },
            new CrashInIo { Interval = Seconds(2, 10), WithinChanges = 1 + random.Below(200) },
            new CrashInElections { Percent = 10 + random.Below(60) },
            new LossyNetwork
            {
                DropPercent = random.Below(15), DuplicatePercent = random.Below(15),
                MaxDelay = TimeSpan.FromMilliseconds(random.Chance(1, 2) ? 200 : 5_000),
            },
            new Partitions { Interval = Seconds(3, 12) },
            new PausesAndClocks { Interval = Seconds(3, 12) },
            new Transfers { Interval = Seconds(3, 12) },
            new MembershipChanges { Interval = Seconds(1, 8) },
        ];
        return new()
        {
            Seed = seed,
            Options = options,
            Workloads = [workload],
            Faults = [.. all.Where(_ => random.Chance(1, 2))],
            Span = TimeSpan.FromSeconds(random.Between(10, 40)),
        };

        TimeSpan Seconds(int low, int high) => TimeSpan.FromMilliseconds(random.Between(low * 1000L, high * 1000L));

        SimCrash Outcome() => random.Below(3) switch { 0 => SimCrash.LoseUnsynced, 1 => SimCrash.KeepAll, _ => SimCrash.Mixed };
    }
}
