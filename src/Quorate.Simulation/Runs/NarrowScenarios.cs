using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Simulation;

/// <summary>
/// Scenarios that keep hitting one weak spot. Each is short, has one shard and few keys, so that thousands of its seeds cost little;
/// the sweep is wide and meets each spot rarely.
/// </summary>
internal static class NarrowScenarios
{
    /// <summary>Leaders that were replaced and do not know it.</summary>
    public static SimPlan Isolation(ulong seed)
    {
        var random = new Prng(seed ^ 0x15014);
        return Plan(seed, random, new() { Raft = QuickElections }, [new LeaderIsolation()]);
    }

    private static RaftOptions QuickElections { get; } = new()
    {
        HeartbeatTicks = 5,
        ElectionTicks = 50,
        MaxAppendBytes = 4096,
        MaxInflightMessages = 8,
        MaxInflightBytes = 16 * 1024,
    };

    private static SimPlan Plan(ulong seed, Prng random, SimOptions options, SimFault[] faults) => new()
    {
        Seed = seed,
        Options = options,
        Workloads = [new RegisterWorkload { Clients = 6, Keys = 1 + random.Below(2), ThinkMillis = 10 + random.Below(30), PaddingBytes = 100 }],
        Faults = [.. faults],
        Span = TimeSpan.FromSeconds(10),
        HealWithin = TimeSpan.FromSeconds(60),
    };
}
