using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>Scenarios in which disks lose what they had stored, or say no where they rarely do. Short, with one shard, as <see cref="NarrowScenarios"/>.</summary>
internal static class DiskScenarios
{
    /// <summary>
    /// Bits rot on all nodes, in places that do not overlap. Nothing is mended from another node yet, so the cluster may halt: the run
    /// demands no recovery, and that no client was ever told what is wrong.
    /// </summary>
    public static SimPlan RotEverywhere(ulong seed)
    {
        SimPlan plan = Plan(seed, 0xD10, random =>
        [
            new BitRotEverywhere { Interval = Millis(700) },
            .. Some(random, new CrashNodes { Interval = Millis(2_000), Down = Millis(500) }, new Transfers { Interval = Millis(900) }),
        ]);
        return plan with { DemandsRecovery = false };
    }

    /// <summary>Nodes come back with an empty disk under their old name.</summary>
    public static SimPlan LostDisks(ulong seed) => Plan(seed, 0xD13, random =>
    [
        new LostDisks { Interval = Millis(1_500) },
        .. Others(random, SimCrash.LoseUnsynced),
    ]);

    /// <summary>Nodes come back with an old image of their disk.</summary>
    public static SimPlan RestoredDisks(ulong seed) => Plan(seed, 0xD14, random =>
    [
        new RestoredDisks { Interval = Millis(1_500) },
        .. Others(random, SimCrash.Mixed),
    ]);

    /// <summary>Syncs of directories fail, and the power goes.</summary>
    public static SimPlan Directories(ulong seed) => Plan(seed, 0xD1E, random =>
    [
        new DirectoryErrors { Interval = Millis(600) },
        .. Some(random, new CrashNodes { Interval = Millis(1_500), Down = Millis(400) }, new CrashInIo { Interval = Millis(800), WithinChanges = 1 + random.Below(80) }),
    ]);

    /// <summary>Leaders are cut off together with some of the clients.</summary>
    public static SimPlan Sides(ulong seed)
    {
        SimPlan plan = Plan(seed, 0x51DE, random => [new LeaderWithClients { Interval = Millis(1_500) }, .. Some(random, new Transfers { Interval = Millis(900) })]);
        return seed % 2 == 0 ? plan : WorkloadChoice.Etcd(plan);
    }

    /// <summary>Nodes apply an entry at a time and take in what comes between, and snapshots overtake them.</summary>
    public static SimPlan Slices(ulong seed)
    {
        SimPlan plan = Plan(seed, 0x511C, random =>
        [
            new SlowNodes { Interval = Millis(1_500), For = Millis(6_000), Turn = Millis(60) },
            new Partitions { Interval = Millis(1_200), For = Millis(800) },
            .. Some(random, new CrashNodes { Interval = Millis(2_000), Down = Millis(1_000), ManyPercent = 10 }, new Transfers { Interval = Millis(900) }),
        ]);
        return plan with
        {
            Options = plan.Options with { Nodes = 3, SliceBytes = 1, OneSliceInTurn = true, FlushEntries = 15, LogRetainBytes = 500, MaxJobMicros = 3_000, Buggify = true },
            Workloads = [new RegisterWorkload { Clients = 30, Keys = 8, ThinkMillis = 20, PaddingBytes = 100 }],
        };
    }

    private static SimFault[] Others(Prng random, SimCrash outcome) => Some(
        random,
        new CrashLeader { Interval = Millis(1_500), Down = Millis(500), Outcome = outcome },
        new LeaderIsolation { Interval = Millis(1_500), For = Millis(1_200) },
        new Transfers { Interval = Millis(900) });

    private static SimPlan Plan(ulong seed, ulong stream, Func<Prng, SimFault[]> faults)
    {
        var random = new Prng(seed ^ stream);
        return new()
        {
            Seed = seed,
            Options = new()
            {
                Nodes = random.Chance(1, 2) ? 3 : 5,
                FlushEntries = 20,
                LogRetainBytes = 2_000,
                Wal = new() { SegmentBytes = 16 * 1024, SpareSegments = 1, MaxSegmentsBehind = 2 },
                Engine = new() { MemTableBytes = 64 * 1024, BlockBytes = 512, FileBytes = 4 * 1024, Level0Files = 2, Level1Bytes = 8 * 1024 },
                Streams = random.Chance(1, 2),
                Raft = new() { HeartbeatTicks = 5, ElectionTicks = 50, MaxAppendBytes = 4096, MaxInflightMessages = 1 + random.Below(8), MaxInflightBytes = 16 * 1024 },
            },
            Workloads = [new RegisterWorkload { Clients = 6, Keys = 1 + random.Below(3), ThinkMillis = 10 + random.Below(30), PaddingBytes = 100 }],
            Faults = [.. faults(random)],
            Span = TimeSpan.FromSeconds(10),
            HealWithin = TimeSpan.FromSeconds(60),
        };
    }

    private static SimFault[] Some(Prng random, params SimFault[] faults) => [.. faults.Where(_ => random.Chance(2, 3))];

    private static TimeSpan Millis(long millis) => TimeSpan.FromMilliseconds(millis);
}
