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

    // Goal: a fault that is offered is also used: each occurs in a plan of some scenario.
    [Fact]
    public void Every_fault_occurs_in_some_scenario()
    {
        SortedSet<string> used = [.. Scenarios.All.SelectMany(scenario => Enumerable.Range(1, 60)
            .SelectMany(seed => scenario.Plan((ulong)seed).Faults.Select(fault => fault.Name)))];
        Assert.Empty(SimFault.Names.Except(used));
    }

    // Goal: damage on a minority is found, or harmless: a node may halt for it, and no client is ever told what is wrong.
    [Fact]
    public void Damage_is_never_served()
    {
        var struck = new SortedSet<string>();
        int halts = 0;
        for (ulong seed = 1; seed <= 30; seed++)
        {
            using var trace = new StringWriter();
            SimResult result = SimRun.Execute(NarrowScenarios.Damage(seed), trace);
            Assert.Null(result.Failure);
            struck.UnionWith(result.Struck.Keys);
            if (trace.ToString().Contains(" fatal ", StringComparison.Ordinal)) { halts++; }
        }

        Assert.Superset(new HashSet<string> { "D9", "D12" }, new HashSet<string>(struck));
        Assert.True(halts >= 10, $"only {halts} runs met the damage: the test proves too little");
    }

    // Several faults at once; what a power cut at the end, which demands that the log gives the same state, takes; late frames.
    private static readonly string[] Always = ["X1", "D1", "D2", "D3", "D4", "N13"];
}
