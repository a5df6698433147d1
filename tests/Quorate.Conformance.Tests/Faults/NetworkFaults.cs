using System.Collections.Immutable;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Faults of the network. Cuts are made by the nodes' packet filters where they last, by the hub where they are quick.</summary>
internal static class NetworkFaults
{
    /// <summary>Two sides that do not hear each other; clients reach both.</summary>
    public static async Task PartitionAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int[] order = scene.Shuffled();
        int size = scene.Random.Next(1, scene.Nodes);
        await CutAsync(scene, "partition", order[..size].SelectMany(a => order[size..].SelectMany(b => Both(a, b))));
    }

    /// <summary>A ring in which each hears its two neighbours only, or with three nodes: one pair that does not hear each other.</summary>
    public static async Task RingAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int[] order = scene.Shuffled();
        int count = order.Length;
        (int, int)[] cuts = count <= 3
            ? [.. Both(order[0], order[1])]
            :
            [
                .. from i in Enumerable.Range(0, count)
                   from j in Enumerable.Range(0, count)
                   where i != j && (i + 1) % count != j && (j + 1) % count != i
                   select (order[i], order[j]),
            ];
        await CutAsync(scene, "ring", cuts);
    }

    /// <summary>One does not hear another, or all others, but is heard.</summary>
    public static async Task OneWayAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int deaf = await scene.LeaderOftenAsync();
        int[] others = [.. scene.Shuffled().Where(node => node != deaf)];
        if (scene.Random.Next(2) == 0) { others = others[..1]; }
        bool isDumb = scene.Random.Next(2) == 0;
        await CutAsync(scene, isDumb ? "dumb" : "deaf", others.Select(other => isDumb ? (deaf, other) : (other, deaf)));
    }

    /// <summary>The leader is alone with the clients that know only it.</summary>
    public static async Task IsolateLeaderAsync(FaultScene scene)
    {
        await scene.HoldAsync(500, 2000);
        int leader = await scene.Cluster.LeaderOrAnyAsync(scene.Random);
        await CutAsync(scene, "isolate-leader", scene.Shuffled().Where(node => node != leader).SelectMany(node => Both(leader, node)));
    }

    /// <summary>Links that break and come back every 10 to 500 ms.</summary>
    public static async Task FlapAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 1500);
        int node = await scene.LeaderOftenAsync();
        (int, int)[] cuts = [.. scene.Shuffled().Where(other => other != node).SelectMany(other => Both(node, other))];
        scene.Note("flap", node);
        long since = scene.Now;
        long lost = 0;
        for (int i = scene.Random.Next(10, 40); i > 0 && !scene.Stop.IsCancellationRequested; i--)
        {
            using Shape cut = scene.Shape(cuts, new LinkPolicy { IsCut = true });
            await scene.HoldAsync(10, 500);
            lost += cut.Touched;
            cut.Dispose();
            await scene.HoldAsync(10, 500);
        }

        scene.Strike(since, lost > 0);
        scene.Note("steady", node);
    }

    /// <summary>Delay and jitter, different in each direction, and now and then a second of standstill.</summary>
    public static Task DelayAsync(FaultScene scene) => ShapeEachAsync(scene, "delay", withClients: true, random => new LinkPolicy
    {
        DelayMicros = random.Next(100, 60_000),
        JitterMicros = random.Next(100, 60_000),
        StallPpm = random.Next(3) == 0 ? 2000 : 0,
    });

    /// <summary>Up to 30 % of the packets of each direction are lost.</summary>
    public static Task LoseAsync(FaultScene scene) =>
        ShapeEachAsync(scene, "loss", withClients: true, random => new LinkPolicy { LossPpm = random.Next(300_000) });

    /// <summary>Packets arrive twice and in another order.</summary>
    public static Task DuplicateAsync(FaultScene scene) => ShapeEachAsync(
        scene, "duplicate", withClients: true,
        random => new LinkPolicy { DuplicatePpm = random.Next(500_000), ReorderPpm = random.Next(300_000), DelayMicros = random.Next(2000) });

    /// <summary>Bits turn between members, unseen by TCP. Not for clients: gRPC has no checksum of its own.</summary>
    public static Task CorruptAsync(FaultScene scene) =>
        ShapeEachAsync(scene, "corrupt", withClients: false, random => new LinkPolicy { CorruptPpm = random.Next(1000, 20_000) });

    /// <summary>Links between members that carry 1 to 60 KB a second.</summary>
    public static Task SlowLinkAsync(FaultScene scene) =>
        ShapeEachAsync(scene, "slow-link", withClients: false, random => new LinkPolicy { BytesPerSecond = random.Next(1000, 60_000) });

    /// <summary>Connections of one node, with members, clients or both, are reset.</summary>
    public static async Task ResetAsync(FaultScene scene)
    {
        await scene.HoldAsync(200, 1500);
        int node = await scene.LeaderOftenAsync();
        int[] members = [.. scene.Shuffled().Where(other => other != node)];
        int[] from = scene.Random.Next(3) switch
        {
            0 => members,
            1 => [scene.Lab.ClientPort],
            _ => [.. members, scene.Lab.ClientPort],
        };
        long since = scene.Now;
        using FilterRule reset = scene.Lab.Reset(node, from);
        scene.Note("reset", [node, .. from]);
        await scene.HoldAsync(10, 1000);
        reset.Dispose();
        scene.Strike(since, reset.Packets > 0);
        scene.Note("reset-over", node);
    }

    /// <summary>A member hears the clients, and they do not hear it: requests happen, and their answers are lost.</summary>
    public static async Task LoseAnswersAsync(FaultScene scene)
    {
        await scene.HoldAsync(300, 2000);
        int node = await scene.LeaderOftenAsync();
        long since = scene.Now;
        using Shape cut = scene.Shape([(node, scene.Lab.ClientPort)], new LinkPolicy { IsCut = true });
        scene.Note("lose-answers", node);
        await scene.HoldAsync(200, 4000);
        cut.Dispose();
        scene.Strike(since, cut.Touched > 0);
        scene.Note("answers-again", node);
    }

    private static (int From, int To)[] Both(int a, int b) => [(a, b), (b, a)];

    // By the packet filter of whoever does not hear.
    private static async Task CutAsync(FaultScene scene, string name, IEnumerable<(int From, int To)> cuts)
    {
        ImmutableArray<(int From, int To)> all = [.. cuts];
        long since = scene.Now;
        FilterRule[] rules = [.. all.GroupBy(cut => cut.To).Select(deaf => scene.Lab.Drop(deaf.Key, deaf.Select(cut => cut.From)))];
        scene.Journal.Fault(name, string.Join(' ', all.Select(cut => $"n{cut.From}>n{cut.To}")));
        bool isLong = scene.Random.Next(4) == 0;
        await scene.HoldAsync(isLong ? 3000 : 200, isLong ? 10_000 : 4000);
        foreach (FilterRule rule in rules) { rule.Dispose(); }
        scene.Strike(since, rules.Any(rule => rule.Packets > 0));
        scene.Journal.Fault(name + "-over", "");
    }

    // Each direction of some of the links has a policy of its own.
    private static async Task ShapeEachAsync(FaultScene scene, string name, bool withClients, Func<Random, LinkPolicy> draw)
    {
        await scene.HoldAsync(200, 1500);
        int ports = scene.Nodes + (withClients ? 1 : 0);
        int lessThanAll = scene.Random.Next(3);
        var layers = new List<LinkLayer>();
        long since = scene.Now;
        for (int from = 0; from < ports; from++)
        {
            for (int to = 0; to < ports; to++)
            {
                if (from == to || scene.Random.Next(3) < lessThanAll) { continue; }
                LinkPolicy policy = draw(scene.Random);
                layers.Add(scene.Lab.Hub.Apply(from, to, policy));
                scene.Journal.Fault(name, $"n{from}>n{to} {policy}");
            }
        }

        await scene.HoldAsync(1000, 8000);
        layers.ForEach(layer => layer.Dispose());
        scene.Strike(since, layers.Any(layer => layer.Touched > 0));
        scene.Journal.Fault(name + "-over", "");
    }
}
