using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>Weak spots that the other scenarios do not touch.</summary>
internal static partial class NarrowScenarios
{
    /// <summary>All of etcd's KV service on few keys, with flushes and compactions all the time, and little that goes wrong.</summary>
    public static SimPlan Store(ulong seed) => Plan(
        seed, 0x5702E,
        static random => new()
        {
            FlushEntries = 10 + random.Below(30),
            LogRetainBytes = 2_000,
            Engine = new() { MemTableBytes = 16 * 1024, BlockBytes = 512, FileBytes = 4 * 1024, Level0Files = 2, Level1Bytes = 8 * 1024, ManifestBytes = 4096 },
        },
        static random => Some(
            random,
            new Transfers { Interval = Millis(1_500) },
            new CrashNodes { Interval = Millis(2_500), Down = Millis(1_500) })) with
    {
        Workloads = [new EtcdWorkload { Clients = 5, Keys = 4, ThinkMillis = 15, PaddingBytes = 60 }],
    };

    /// <summary>Power cuts of nodes that campaign, on disks whose syncs are slow.</summary>
    public static SimPlan Candidates(ulong seed) => Plan(
        seed, 0xCA4D,
        static random => new() { MaxSyncMicros = random.Between(10_000, 30_000) },
        static _ =>
        [
            new CrashCandidates { KillPercent = 0, Down = Millis(100) },
            new CrashLeader { Interval = Millis(1_000), Down = Millis(300), KillPercent = 0 },
        ]);

    /// <summary>A disk that refuses a sync, a write or a read every second, on one to three nodes; now and then the power goes too.</summary>
    public static SimPlan Refusals(ulong seed) => Plan(
        seed, 0x2EF5,
        static random => new()
        {
            Nodes = 1 + random.Below(3),
            FlushEntries = 20 + random.Below(40),
            LogRetainBytes = 2_000,
            MaxSyncMicros = random.Between(1_000, 10_000),
            Wal = new() { SegmentBytes = 16 * 1024, SpareSegments = 1, MaxSegmentsBehind = 2 },
        },
        static random =>
        [
            new DiskErrors { Interval = Millis(800) },
            .. Some(random, new CrashNodes { Interval = Millis(1_500), Down = Millis(300), KillPercent = 50, Outcome = SimCrash.LoseUnsynced }),
        ]);

    /// <summary>
    /// Reads by lease, on clocks that differ by nearly as much as leases allow for: with an election timeout of five ticks, a lease is over
    /// before the third tick of the leader, and no vote is given before four whole ticks of a voter. Leaders are cut off and deposed.
    /// </summary>
    public static SimPlan ReadLeases(ulong seed)
    {
        SimPlan plan = Plan(
            seed, 0x1EA5E,
            static _ => new() { TickMilliseconds = 200, RequestTicks = 35, MaxSyncMicros = 1_000 },
            static random =>
            [
                new MildDrift { Percent = 12 },
                new LeaderIsolation { Interval = Millis(2_500), For = Millis(2_400) },
                .. Some(
                    random,
                    new Transfers { Interval = Millis(2_000) },
                    new CrashNodes { Interval = Millis(2_000), Down = Millis(100), ManyPercent = 0 },
                    new LossyNetwork { DropPercent = 0, DuplicatePercent = 10, MaxDelay = Millis(1_500) }),
            ]);
        return plan with
        {
            Options = plan.Options with { Raft = plan.Options.Raft with { HeartbeatTicks = 1, ElectionTicks = 5, LeaseReads = true } },
            Workloads = [new RegisterWorkload { Clients = 12, Keys = 1, ThinkMillis = 5, PaddingBytes = 10 }],
            Span = TimeSpan.FromSeconds(20),
        };
    }
}
