using Xunit;

namespace Quorate.Simulation.Tests;

public sealed class FaultTests
{
    // Goal: the table of faults counts what it says: a plan's faults strike by the rows that they declare, and by no other; and each
    // row that the sweep's faults declare is struck by some seed.
    [Fact]
    public void Faults_strike_by_the_rows_they_declare()
    {
        var declared = new SortedSet<string>();
        var struck = new SortedSet<string>();
        for (ulong seed = 1; seed <= 60; seed++)
        {
            SimPlan plan = Scenarios.Swarm.Plan(seed);
            SimResult result = SimRun.Execute(plan);
            Assert.Null(result.Failure);
            SortedSet<string> own = [.. plan.Faults.SelectMany(fault => fault.Rows), .. Always];
            Assert.Empty(result.Struck.Keys.Except(own));
            declared.UnionWith(own);
            struck.UnionWith(result.Struck.Keys);
        }

        Assert.Empty(declared.Except(struck));
    }

    // Several faults at once; what a power cut at the end, which demands that the log gives the same state, takes; late frames.
    private static readonly string[] Always = ["X1", "D1", "D2", "D3", "D4", "N13"];
}
