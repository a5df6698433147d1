using Quorate.Core;

namespace Quorate.Simulation;

/// <summary>
/// Three keyspaces beside the first, each with clients and a checker of its own, under the sweep's faults; others come and go
/// meanwhile. The whole store of two of them is judged by its revisions: nothing of one may show in another.
/// </summary>
internal static class KeyspaceScenario
{
    public static SimPlan Plan(ulong seed)
    {
        SimPlan plan = SwarmScenario.Registers(seed);
        var random = new Prng(seed ^ 0x5BACE);
        return plan with
        {
            Options = plan.Options with { Shards = 1, Keyspaces = 3, Nodes = Math.Min(plan.Options.Nodes, 5) },
            Workloads =
            [
                new EtcdWorkload { Shard = new(2), Clients = 2 + random.Below(3), Keys = 1 + random.Below(6), PaddingBytes = random.Below(500) },
                new EtcdWorkload { Shard = new(3), Clients = 2 + random.Below(3), Keys = 1 + random.Below(6), PaddingBytes = random.Below(500) },
                new SetWorkload { Shard = new(4), Clients = 2 + random.Below(3), Keys = 1 + random.Below(6), SetSize = 20 + random.Below(60) },
            ],
            Faults = [.. plan.Faults, new KeyspaceChanges { Interval = TimeSpan.FromMilliseconds(random.Between(200, 3_000)) }],
        };
    }
}
