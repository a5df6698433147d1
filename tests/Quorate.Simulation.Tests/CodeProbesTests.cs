using Quorate.Core;
using Xunit;

namespace Quorate.Simulation.Tests;

public sealed class CodeProbesTests
{
    // Goal: the report of a run can only name the probes that it finds; each project's must be among them, and count.
    [Fact]
    public void Probes_of_all_projects_are_found_and_count()
    {
        Assert.Equal(["engine", "raft", "replication", "wal"], CodeProbes.All.Select(probe => probe.Name.Split(':')[0]).Distinct());
        Assert.Equal(CodeProbes.All.Length, CodeProbes.All.Select(probe => probe.Name).Distinct().Count());
        CodeProbe withheld = CodeProbes.All.Single(probe => probe.Name.StartsWith("raft: a majority holds an entry of an older", StringComparison.Ordinal));
        long before = withheld.Hits;
        for (ulong seed = 1; seed <= 40 && withheld.Hits == before; seed++) { SimRun.Execute(Scenarios.Swarm.Plan(seed)); }
        Assert.True(withheld.Hits > before);
    }

    // Goal: two levels. In a run a site is either never or in about a quarter of its visits on, and about a quarter of the sites are.
    [Fact]
    public void A_quarter_of_the_sites_fires_in_a_quarter_of_its_visits()
    {
        int active = 0;
        for (int site = 0; site < 400; site++)
        {
            var buggify = new Buggify(77, new Prng((ulong)site));
            int fired = Enumerable.Range(0, 400).Count(_ => buggify.Fires($"site-{site}"));
            if (fired > 0)
            {
                active++;
                Assert.InRange(fired, 60, 150);
            }
        }

        Assert.InRange(active, 60, 150);
    }
}
