using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>
/// Which workloads a seed of the sweep gets: registers alone in half of the seeds, else up to two kinds at once. Drawn from a stream of
/// its own, so that the rest of the plan does not depend on it.
/// </summary>
internal static class WorkloadChoice
{
    /// <summary>A plan whose workload is the registers', changed now and then.</summary>
    public static SimPlan Any(SimPlan plan)
    {
        var random = new Prng(plan.Seed ^ 0xE7CD);
        return random.Chance(1, 2) ? plan : WithLeases(Apply(plan, random, withRegisters: random.Chance(1, 3)));
    }

    /// <summary>The same plan with clients of the etcd service only.</summary>
    public static SimPlan Etcd(SimPlan plan) => WithLeases(Apply(plan, new(plan.Seed ^ 0xE7CE), withRegisters: false));

    // Beside the others in a third of the seeds, from a stream of its own.
    private static SimPlan WithLeases(SimPlan plan)
    {
        var random = new Prng(plan.Seed ^ 0x1EA5E);
        if (!random.Chance(1, 3)) { return plan; }
        int shards = plan.Options.Shards + 1;
        return plan with
        {
            Options = plan.Options with { Shards = shards },
            Workloads =
            [
                .. plan.Workloads,
                new LeaseWorkload
                {
                    Shard = new((ulong)shards),
                    Clients = 2 + random.Below(5),
                    ThinkMillis = 50 + random.Below(300),
                    Patience = TimeSpan.FromMilliseconds(random.Between(500, 8_000)),
                    FastestPercent = LeaseWorkload.FastestOf(plan.Faults),
                },
            ],
        };
    }

    private static SimPlan Apply(SimPlan plan, Prng random, bool withRegisters)
    {
        int shards = plan.Options.Shards;
        int first = random.Below(4);
        EtcdClientWorkload chosen = Create(first, random, plan) with { Shard = new((ulong)random.Between(1, shards)) };
        var workloads = new List<SimWorkload> { chosen };
        if (withRegisters)
        {
            workloads.Add(((RegisterWorkload)plan.Workloads[0]) with { Shards = shards });
        }
        else if (random.Chance(1, 3))
        {
            int second = (first + 1 + random.Below(3)) % 4;
            workloads.Add(Create(second, random, plan) with { Shard = new((ulong)random.Between(1, shards)) });
        }

        // The model of the whole store knows only what its own clients write.
        int whole = workloads.FindIndex(workload => workload is EtcdWorkload);
        if (whole >= 0 && workloads.Count > 1)
        {
            shards++;
            workloads[whole] = (EtcdWorkload)workloads[whole] with { Shard = new((ulong)shards) };
        }

        return plan with
        {
            Options = plan.Options with { Shards = shards },
            Workloads = [.. workloads],
            Faults = random.Chance(1, 2)
                ? [.. plan.Faults, new BrokenConnections { RequestPercent = random.Below(6), AnswerPercent = random.Below(10) }]
                : plan.Faults,
        };
    }

    private static EtcdClientWorkload Create(int kind, Prng random, SimPlan plan)
    {
        int keys = 1 + random.Below(6);
        EtcdClientWorkload workload = kind switch
        {
            0 => new EtcdWorkload { PaddingBytes = random.Below(500) },
            1 => new AppendWorkload { ListSize = 20 + random.Below(40) },
            2 => new SetWorkload { SetSize = 20 + random.Below(60) },
            _ => new LockWorkload { FastestPercent = LeaseWorkload.FastestOf(plan.Faults) },
        };
        return workload with
        {
            Clients = 2 + random.Below(6),
            Keys = keys,
            ThinkMillis = 20 + random.Below(120),
            Patience = TimeSpan.FromMilliseconds(random.Between(500, 8_000)),
        };
    }
}
