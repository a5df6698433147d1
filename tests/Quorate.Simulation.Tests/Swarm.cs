using Quorate.Core;
using Quorate.Simulation.Disk;
using Xunit;

namespace Quorate.Simulation.Tests;

/// <summary>
/// One seed of the sweep: it chooses the cluster, the sizes and a random subset of the faults at random intensities, since faults
/// that are always on hide each other's bugs.
/// </summary>
internal static class Swarm
{
    public static (ulong Hash, long Events) Run(ulong seed)
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
        SimFault[] chosen = [.. all.Where(_ => random.Chance(1, 2))];

        using var cluster = SimCluster.Start(seed, options);
        History history = cluster.Run(
            TimeSpan.FromSeconds(random.Between(10, 40)), workload, [.. chosen, new StateComparison()]);
        cluster.Heal();
        cluster.RunUntil(c => c.ReplicasAgree(), within: TimeSpan.FromSeconds(200));
        workload.ReadAll(cluster, history);
        try
        {
            Linearizability.Check(history);
        }
        catch (NotLinearizableException failure)
        {
            throw new SimulationException($"seed {seed}: {failure.Message}", failure);
        }

        // A run in which nothing happened proves nothing.
        Assert.True(history.Operations.Count >= 20, $"seed {seed}: only {history.Operations.Count} operations");
        return (cluster.TraceHash, cluster.Events);

        TimeSpan Seconds(int low, int high) => TimeSpan.FromMilliseconds(random.Between(low * 1000L, high * 1000L));

        SimCrash Outcome() => random.Below(3) switch { 0 => SimCrash.LoseUnsynced, 1 => SimCrash.KeepAll, _ => SimCrash.Mixed };
    }
}

public sealed class SwarmTests
{
    // Goal: whatever goes wrong, every history is linearizable and the cluster comes back with equal replicas.
    [Fact]
    public void Every_seed_of_the_sweep_holds()
    {
        var failures = new List<string>();
        Parallel.ForEach(Seeds.All, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
        {
            try
            {
                Swarm.Run(seed);
            }
            catch (Exception failure)
            {
                lock (failures)
                {
                    failures.Add($"seed {seed} (again: QUORATE_FIRST_SEED={seed} QUORATE_SEEDS=1): {failure.Message}");
                }
            }
        });
        Assert.True(failures.Count == 0, $"{failures.Count} seeds failed\n{string.Join('\n', failures.Take(5))}");
    }
}
