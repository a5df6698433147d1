using Quorate.Core;
using Quorate.Simulation.Disk;

namespace Quorate.Simulation;

/// <summary>
/// Scenarios that keep hitting one weak spot. Each is short, has one shard and few keys, so that thousands of its seeds cost little;
/// the sweep is wide and meets each spot rarely.
/// </summary>
internal static partial class NarrowScenarios
{
    /// <summary>Leaders that were replaced and do not know it.</summary>
    public static SimPlan Isolation(ulong seed) => Plan(seed, 0x15014, static random => new() { Buggify = random.Chance(1, 3) }, static _ => [new LeaderIsolation()]);

    /// <summary>Many elections, with power cuts while votes are on their way, late and doubled frames, and leaders that come and go.</summary>
    public static SimPlan Elections(ulong seed) => Plan(
        seed, 0xE1EC7,
        static random => new() { Nodes = random.Chance(1, 2) ? 3 : 5, MaxSyncMicros = random.Between(200, 30_000) },
        static random => Some(
            random,
            new CrashInElections { Percent = 60, KillPercent = 0 },
            new CrashLeader { Interval = Millis(1_500), Down = Millis(300), KillPercent = 0 },
            new Transfers { Interval = Millis(700) },
            new LeaderIsolation { Interval = Millis(1_500), For = Millis(1_200) },
            new LossyNetwork { DropPercent = random.Below(10), DuplicatePercent = 10, MaxDelay = Millis(random.Between(200, 3_000)) }));

    /// <summary>Power cuts, of one node or all, at any moment, with small files that come and go.</summary>
    public static SimPlan Recovery(ulong seed) => Plan(
        seed, 0x2EC0,
        static random => new()
        {
            Nodes = random.Chance(1, 3) ? 1 : 3,
            FlushEntries = 10 + random.Below(30),
            LogRetainBytes = 2_000,
            MaxSyncMicros = random.Between(1_000, 20_000),
            DedupeEntries = 100,
            Wal = new() { SegmentBytes = 16 * 1024, SpareSegments = 1, MaxSegmentsBehind = 2 },
            Engine = new() { MemTableBytes = 64 * 1024, BlockBytes = 512, FileBytes = 4 * 1024, Level0Files = 2, Level1Bytes = 8 * 1024, ManifestBytes = 4096 },
        },
        static random => Some(
            random,
            new CrashLeader { Interval = Millis(1_200), Down = Millis(400), KillPercent = 0 },
            new CrashNodes { Interval = Millis(1_500), Down = Millis(500), ManyPercent = 40, KillPercent = 0, Outcome = random.Chance(1, 2) ? SimCrash.Mixed : SimCrash.LoseUnsynced },
            new CrashInIo { Interval = Millis(800), WithinChanges = 1 + random.Below(80) }));

    /// <summary>Nodes that live for a second or so, and frames that reach the next life of the node they were meant for.</summary>
    public static SimPlan Restarts(ulong seed) => Plan(
        seed, 0x2E57A,
        static random => new() { MaxSyncMicros = 2_000, MaxDelayMicros = random.Between(1_000, 10_000) },
        static random =>
        [
            new CrashNodes { Interval = Millis(400), Down = Millis(60), ManyPercent = 0, Outcome = SimCrash.KeepAll },
            new LossyNetwork { DropPercent = 0, DuplicatePercent = 20, MaxDelay = Millis(random.Between(500, 2_000)) },
        ]);

    /// <summary>Followers that fall behind and are brought up by snapshots, again and again.</summary>
    public static SimPlan Snapshots(ulong seed) => Plan(
        seed, 0x54A9,
        static random => new()
        {
            FlushEntries = 15,
            LogRetainBytes = 500,
            SnapshotChunkBytes = 512, // Tables are packed, and small: what is cut off in the middle needs a middle.
            MaxJobMicros = 3_000,
            DedupeEntries = new[] { 10, 40, 400 }[random.Below(3)],
            Buggify = random.Chance(1, 2),
        },
        static random =>
        [
            new LeaderIsolation { Interval = Millis(2_500), For = Millis(2_000) },
            .. Some(
                random,
                new CrashNodes { Interval = Millis(2_000), Down = Millis(2_000), ManyPercent = 10 },
                new Transfers { Interval = Millis(900) },
                new Partitions { Interval = Millis(2_000), For = Millis(1_500) },
                new LossyNetwork { DropPercent = 5, DuplicatePercent = 20, MaxDelay = Millis(400) }),
        ]);

    /// <summary>Members that come, go and change their part, while leaders do the same.</summary>
    public static SimPlan Members(ulong seed) => Plan(
        seed, 0x3E3B,
        static _ => new() { Spares = 2, LogRetainBytes = 4_000, FlushEntries = 50 },
        static random =>
        [
            new MembershipChanges { Interval = Millis(500) },
            .. Some(
                random,
                new CrashNodes { Interval = Millis(2_000), Down = Millis(500) },
                new LeaderIsolation { Interval = Millis(1_500), For = Millis(1_200) },
                new Transfers { Interval = Millis(700) }),
        ]);

    /// <summary>An operator who changes the members over the etcd API, while nodes die and answers get lost.</summary>
    public static SimPlan Operators(ulong seed) => Plan(
        seed, 0x09E2A,
        static _ => new() { Spares = 5, LogRetainBytes = 4_000, FlushEntries = 50 },
        static random =>
        [
            new MemberRequests { Interval = Millis(400) },
            .. Some(
                random,
                new BrokenConnections { RequestPercent = 5, AnswerPercent = 10 },
                new CrashNodes { Interval = Millis(2_500), Down = Millis(500) },
                new LeaderIsolation { Interval = Millis(2_500), For = Millis(1_200) },
                new Transfers { Interval = Millis(1_500) }),
        ]);

    /// <summary>Bits rot and files get lost on a minority of the nodes. Nothing mends them yet: what is damaged may halt, and never lie.</summary>
    public static SimPlan Damage(ulong seed) => Plan(
        seed, 0xDA3A,
        static random => new()
        {
            Nodes = random.Chance(1, 2) ? 3 : 5,
            FlushEntries = 20,
            LogRetainBytes = 2_000,
            Wal = new() { SegmentBytes = 16 * 1024, SpareSegments = 1, MaxSegmentsBehind = 2 },
            Engine = new() { MemTableBytes = 64 * 1024, BlockBytes = 512, FileBytes = 4 * 1024, Level0Files = 2, Level1Bytes = 8 * 1024 },
            ScrubBytesPerSecond = random.Chance(1, 2) ? 200_000 : 0,
        },
        static random =>
        [
            random.Chance(1, 2) ? new BitRot { Interval = Millis(1_000) } : new LostFiles { Interval = Millis(1_000) },
            .. Some(random, new CrashNodes { Interval = Millis(2_000), Down = Millis(500) }, new Transfers { Interval = Millis(900) }),
        ]);

    /// <summary>Leases, while leaders change, stand still and lose their power, and wall clocks jump by an hour.</summary>
    public static SimPlan Leases(ulong seed)
    {
        SimPlan plan = Plan(
            seed, 0x1EA5,
            static random => new() { FlushEntries = 20 + random.Below(100), LogRetainBytes = 2_000, Buggify = random.Chance(1, 3) },
            static random =>
            [
                new ClockJumps { Interval = Millis(1_000) },
                new CrashLeader { Interval = Millis(3_000), Down = Millis(500) },
                .. Some(
                    random,
                    new Transfers { Interval = Millis(900) },
                    new Pauses { Interval = Millis(3_000), For = Millis(2_000) },
                    new LeaderIsolation { Interval = Millis(2_500), For = Millis(2_000) },
                    new LossyNetwork { DropPercent = 5, DuplicatePercent = 10, MaxDelay = Millis(400) }),
            ]);
        return plan with { Workloads = [new LeaseWorkload { Clients = 6, ThinkMillis = 150, Patience = Millis(3_000) }] };
    }

    /// <summary>Users whose permissions come and go, while leaders change, nodes die and answers get lost.</summary>
    public static SimPlan Users(ulong seed)
    {
        SimPlan plan = Plan(
            seed, 0x05E25,
            static random => new() { FlushEntries = 20 + random.Below(100), LogRetainBytes = 2_000, Buggify = random.Chance(1, 3) },
            static random =>
            [
                new BrokenConnections { RequestPercent = random.Below(6), AnswerPercent = random.Below(6) },
                .. Some(
                    random,
                    new CrashNodes { Interval = Millis(2_500), Down = Millis(700) },
                    new Transfers { Interval = Millis(900) },
                    new LeaderIsolation { Interval = Millis(2_500), For = Millis(1_500) },
                    new LossyNetwork { DropPercent = 5, DuplicatePercent = 10, MaxDelay = Millis(400) }),
            ]);
        return plan with { Workloads = [new UserWorkload { Clients = 5, ThinkMillis = 30, Patience = Millis(3_000) }] };
    }

    private static SimPlan Plan(ulong seed, ulong stream, Func<Prng, SimOptions> options, Func<Prng, SimFault[]> faults)
    {
        var random = new Prng(seed ^ stream);
        return new()
        {
            Seed = seed,
            Options = options(random) with
            {
                Streams = false, // Single frames may be late, even for the next life of a node.
                Raft = new()
                {
                    HeartbeatTicks = 5,
                    ElectionTicks = 50,
                    MaxAppendBytes = 4096,
                    MaxInflightMessages = 1 + random.Below(8),
                    MaxInflightBytes = 16 * 1024,
                },
            },
            Workloads = [new RegisterWorkload { Clients = 6, Keys = 1 + random.Below(2), ThinkMillis = 10 + random.Below(30), PaddingBytes = 100 }],
            Faults = [.. faults(random)],
            Span = TimeSpan.FromSeconds(10),
            HealWithin = TimeSpan.FromSeconds(60),
        };
    }

    private static SimFault[] Some(Prng random, params SimFault[] faults) => [.. faults.Where(_ => random.Chance(2, 3))];

    private static TimeSpan Millis(long millis) => TimeSpan.FromMilliseconds(millis);
}
