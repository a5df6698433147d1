using Quorate.Core;
using Xunit;

namespace Quorate.Simulation.Tests;

/// <summary>Tables that nobody reads are read in the background.</summary>
public sealed class ScrubTests
{
    // Goal: rot in a table that nobody reads is found, told and mended by the other members; and it is the background reading that finds it.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rot_in_a_cold_file_is_found_without_a_read(bool scrubs)
    {
        ShardId shard = new(1);
        using var cluster = SimCluster.Start(5, new SimOptions { FlushEntries = 100, ScrubBytesPerSecond = scrubs ? 100_000 : 0 });
        cluster.Run(TimeSpan.FromSeconds(10), new RegisterWorkload());
        cluster.RunUntil(c => c.ReplicasAgree(), TimeSpan.FromSeconds(5));
        SimNode node = cluster.Nodes.First(candidate => candidate != cluster.LeaderOf(shard));
        string file = node.Disk.Files().First(name => name.EndsWith(".sst", StringComparison.Ordinal));
        node.MarkDamaged(isInLog: false);
        node.Disk.FlipBit(file, 40);
        long until = cluster.Now + 20_000_000;
        cluster.RunUntil(c => c.Now >= until, TimeSpan.FromSeconds(21));

        Assert.Equal(scrubs, cluster.Reported.ContainsKey("scrub-found"));
        Assert.Equal(scrubs, cluster.Reported.ContainsKey("replica-damaged"));
        Assert.Equal(scrubs, cluster.Reported.ContainsKey("replica-healed"));
        Assert.Equal(scrubs ? 1 : 0, node.Core!.StatusOf(shard)!.ScrubDamage);
        Assert.Equal(scrubs, cluster.Nodes.All(each => each.Core!.StatusOf(shard)!.ScrubbedBytes > 0));
        if (scrubs) { cluster.RunUntil(c => c.ReplicasAgree(), TimeSpan.FromSeconds(5)); }
    }
}
