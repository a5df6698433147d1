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
        bool leases = random.Chance(1, 5);
        var options = new SimOptions
        {
            Nodes = new[] { 1, 2, 3, 3, 3, 3, 4, 5, 5, 7 }[random.Below(10)],
            Shards = new[] { 1, 1, 1, 2, 2, 3, 4, 8 }[random.Below(8)],
            LogRetainBytes = new[] { 1_000, 4_000, 16_000, 64_000 }[random.Below(4)],
            MaxSyncMicros = random.Between(200, 30_000),
            MaxDelayMicros = random.Between(200, 20_000),
            MaxJobMicros = new[] { 5_000, 20_000, 200_000 }[random.Below(3)],
            SlowJobMicros = new[] { 0, 1_000_000, 8_000_000 }[random.Below(3)],
            Spares = random.Below(3),
            Buggify = random.Chance(1, 2),
            FlushEntries = new[] { 30, 100, 500 }[random.Below(3)],
            DedupeEntries = new[] { 40, 200, 2_000 }[random.Below(3)],
            TickMilliseconds = new[] { 5, 10, 10, 20 }[random.Below(4)],
            RequestTicks = new[] { 250, 700 }[random.Below(2)],
            MaxEntryBytes = new[] { 1, 4_096, 65_536 }[random.Below(3)],
            SnapshotChunkBytes = new[] { 512, 4_096, 65_536 }[random.Below(3)],
            MaxWaitingBytes = random.Chance(1, 3) ? 3_000 : 1_000_000,
            MaxWaitingReads = random.Chance(1, 4) ? 1 + random.Below(3) : 1_000,
            Wal = new()
            {
                SegmentBytes = new[] { 16, 64, 256 }[random.Below(3)] * 1024,
                SpareSegments = random.Below(3),
                MaxSegmentsBehind = 2 + random.Below(4),
            },
            Engine = new()
            {
                MemTableBytes = new[] { 4, 16, 64 }[random.Below(3)] * 1024,
                BlockBytes = new[] { 64, 512, 4_096 }[random.Below(3)],
                FileBytes = new[] { 2, 16 }[random.Below(2)] * 1024,
                Level0Files = 1 + random.Below(3),
                Level1Bytes = new[] { 4, 64 }[random.Below(2)] * 1024,
                ManifestBytes = new[] { 16, 1_024 }[random.Below(2)] * 1024,
            },
            Raft = new()
            {
                HeartbeatTicks = 10,
                ElectionTicks = new[] { 40, 100, 100 }[random.Below(3)],
                MaxAppendBytes = 4096,
                MaxInflightMessages = 1 + random.Below(16),
                MaxInflightBytes = 16 * 1024,
                MaxUncommittedBytes = random.Between(4_096, 65_536),
                MaxCommittedBytes = random.Between(1, 8_192),
                LeaseReads = leases,
            },
        };
        var workload = new RegisterWorkload
        {
            Clients = 2 + random.Below(8),
            Keys = 1 + random.Below(6),
            ThinkMillis = 20 + random.Below(150),
            PaddingBytes = random.Below(600),
        };
        bool hasStreams = random.Chance(2, 3);
        SimFault[] all =
        [
            new CrashLeader { Interval = Seconds(1.8, 6), Outcome = Outcome(), KillPercent = random.Below(60) },
            new CrashNodes { Interval = Seconds(1.8, 6), Outcome = Outcome(), KillPercent = random.Below(60) },
            new CrashInIo { Interval = Seconds(1.2, 6), WithinChanges = 1 + random.Below(200) },
            new CrashLoops { Interval = Seconds(2.4, 7.2), Outcome = Outcome(), WithinChanges = 1 + random.Below(60) },
            new CrashInElections { Percent = 10 + random.Below(60) },
            new GracefulStops { Interval = Seconds(1.8, 7.2) },
            new Pauses { Interval = Seconds(1.8, 7.2), For = random.Chance(1, 5) ? TimeSpan.FromMinutes(1) : Seconds(1, 8), TimeMayStand = !leases },
            new SlowNodes { Interval = Seconds(1.8, 7.2), Turn = TimeSpan.FromMilliseconds(random.Between(2, 100)) },
            new ClockJumps { Interval = Seconds(1.8, 7.2) },
            new DiskErrors { Interval = Seconds(1.8, 7.2) },
            new FullDisks { Interval = Seconds(1.8, 7.2) },
            new SlowDisks { Interval = Seconds(1.8, 7.2), Stall = random.Chance(1, 5) ? TimeSpan.FromMinutes(1) : Seconds(1, 8) },
            new LossyNetwork
            {
                DropPercent = random.Below(15), DuplicatePercent = random.Below(15),
                LatePerMille = hasStreams ? 1 + random.Below(5) : 50, // In a stream all that follows is late too.
                MaxDelay = TimeSpan.FromMilliseconds(random.Chance(1, 2) ? 200 : 5_000),
            },
            new SlowLinks { Interval = Seconds(1.2, 6) },
            new Resets { Interval = Seconds(0.6, 3.6) },
            new Partitions { Interval = Seconds(1.8, 7.2) },
            new Flapping { Interval = Seconds(1.8, 7.2) },
            new Transfers { Interval = Seconds(1.8, 7.2) },
            new MembershipChanges { Interval = Seconds(0.6, 4.8) },
            new InterruptedSnapshots { Percent = 10 + random.Below(60) },
            .. leases ? Array.Empty<SimFault>() : [new ClockDrift { Interval = Seconds(1.8, 7.2) }],
        ];

        // From a few to most of them.
        int percent = 10 + random.Below(50);
        return new()
        {
            Seed = seed,
            Options = options with { Streams = hasStreams, SlowedWriteBytes = options.MaxWaitingBytes < 10_000 ? 20_000 : options.SlowedWriteBytes },
            Workloads = [workload],
            Faults = [.. all.Where(_ => random.Chance(percent, 100))],
            Span = TimeSpan.FromSeconds(random.Between(6, 20)), // Short runs: more choices for the same time.
        };

        TimeSpan Seconds(double low, double high) => TimeSpan.FromMilliseconds(random.Between((long)(low * 1000), (long)(high * 1000)));

        SimCrash Outcome() => random.Below(3) switch { 0 => SimCrash.LoseUnsynced, 1 => SimCrash.KeepAll, _ => SimCrash.Mixed };
    }
}
