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
        for (ulong seed = 1; seed <= 60 || (seed <= 200 && declared.Except(struck).Any()); seed++)
        {
            SimPlan plan = Scenarios.Swarm.Plan(seed);
            SimResult result = SimRun.Execute(plan);
            Assert.Null(result.Failure);
            SortedSet<string> own = [.. plan.Faults.SelectMany(fault => fault.Rows), .. Always];
            Assert.Empty(result.Struck.Keys.Except(own).Except(ByClients));
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

    // Goal: damage on a minority is found, or harmless: no client is ever told what is wrong, and replicas whose tables were damaged are filled
    // anew and equal to the others in the end. Only a damaged log halts a node.
    [Fact]
    public void Damage_is_never_served()
    {
        var struck = new SortedSet<string>();
        int halts = 0;
        int healed = 0;
        for (ulong seed = 1; seed <= 30; seed++)
        {
            using var trace = new StringWriter();
            SimResult result = SimRun.Execute(NarrowScenarios.Damage(seed), trace);
            Assert.Null(result.Failure);
            struck.UnionWith(result.Struck.Keys);
            if (trace.ToString().Contains(" fatal ", StringComparison.Ordinal)) { halts++; }
            if (trace.ToString().Contains(" replica-healed", StringComparison.Ordinal)) { healed++; }
        }

        Assert.Superset(new HashSet<string> { "D9", "D12" }, new HashSet<string>(struck));
        Assert.True(halts >= 5 && healed >= 10, $"only {halts} runs met damage of the log, {healed} healed: the test proves too little");
    }

    // Goal: a state that changed under right checksums is found by comparing the members, whatever kind of record it was, and that replica, and
    // no other, is filled anew: a run ends only when no such record is left and all states are equal.
    [Fact]
    public void A_state_that_changed_silently_is_found_and_filled_anew()
    {
        int found = 0;
        for (ulong seed = 1; seed <= 15; seed++)
        {
            using var trace = new StringWriter();
            SimResult result = SimRun.Execute(CheckScenarios.Silent(seed), trace);
            Assert.Null(result.Failure);
            string text = trace.ToString();
            Assert.DoesNotContain(" state-undecided", text, StringComparison.Ordinal);
            if (text.Contains(" state-differs", StringComparison.Ordinal) && text.Contains(" replica-healed", StringComparison.Ordinal)) { found++; }
        }

        Assert.True(found >= 10, $"only {found} runs found a change: the test proves too little");
    }

    // Goal: whatever else goes wrong (crashes, snapshots, members that lag, several comparisons at once), no replica is ever found to differ
    // without cause. SimCluster fails a run that says so.
    [Fact]
    public void No_replica_is_found_to_differ_without_cause()
    {
        int agreed = 0;
        for (ulong seed = 1; seed <= 15; seed++)
        {
            using var trace = new StringWriter();
            Assert.Null(SimRun.Execute(CheckScenarios.Sweep(seed), trace).Failure);
            if (trace.ToString().Contains(" state-agreed", StringComparison.Ordinal)) { agreed++; }
        }

        Assert.True(agreed >= 12, $"members agreed in {agreed} runs only: the test proves too little");
    }

    // Goal: a minority whose disks go back in time costs nothing: neither a vote nor an entry that they had given, nor an operator's work.
    [Fact]
    public void Disks_that_go_back_in_time_break_no_promise()
    {
        SimResult[] results = [.. Enumerable.Range(1, 40).AsParallel().WithDegreeOfParallelism(2)
            .Select(seed => SimRun.Execute(DiskScenarios.RestoredDisks((ulong)seed)))];
        Assert.All(results, result => Assert.Null(result.Failure));
        int struck = results.Count(result => result.Struck.ContainsKey("D14"));
        Assert.True(struck >= 35, $"D14 struck in {struck} of 40 runs only");
    }

    // Goal: what the narrow scenarios of disks and sides are for happens in them, and every promise that they make holds.
    [Theory]
    [InlineData("rot-everywhere", "D10")]
    [InlineData("lost-disks", "D13")]
    [InlineData("directories", "D5")]
    [InlineData("sides", "N4")]
    [InlineData("slices", "P6")]
    [InlineData("operators", "O1")]
    [InlineData("operators", "O2")]
    [InlineData("silent", "D18")]
    public void A_narrow_scenario_strikes_where_it_says(string scenario, string row)
    {
        int runs = 0;
        for (ulong seed = 1; seed <= 6; seed++)
        {
            SimResult result = SimRun.Execute(Scenarios.All.Single(known => known.Name == scenario).Plan(seed));
            Assert.Null(result.Failure);
            Assert.False(result.IsQuiet);
            if (result.Struck.ContainsKey(row)) { runs++; }
        }

        Assert.True(runs >= 4, $"{row} struck in {runs} of 6 runs only");
    }

    // Goal: X1 is what it says: at once. A fault that has ended long ago, or what follows from the same one, makes no second one.
    [Fact]
    public void Several_at_once_means_at_once()
    {
        var struck = new StruckFaults();
        Assert.False(struck.Add("P4", 0, forMicros: 20_000_000));
        Assert.False(struck.Add("C3", 1_000_000, 0));
        Assert.True(struck.Add("D5", 19_000_000, 0));
        Assert.False(struck.Add("N1", 20_000_000, 0));
        Assert.False(struck.Add("N10", 40_000_000, 0));
        Assert.False(struck.Add("N10", 41_000_000, 0));
        Assert.True(struck.Add("P1", 44_000_000, 0));
        Assert.False(struck.Add("D1", 50_000_000, 0));
    }

    // Goal: what happens to a node that holds no replica, or to its links, is not counted as a fault that was survived.
    [Fact]
    public void What_hits_only_spares_does_not_count()
    {
        using var cluster = SimCluster.Start(3, new SimOptions { Spares = 2 });
        cluster.RunUntil(c => c.LeaderOf(new(1)) is not null, within: TimeSpan.FromSeconds(10));
        cluster.Strike("P4", "pauses", 3);
        cluster.StrikeLinks("N1", "partition", -1, (from, to) => from >= 3 || to >= 3);
        Assert.Empty(cluster.Struck);
        cluster.Strike("P4", "pauses", 2);
        cluster.StrikeLinks("N1", "partition", -1, (from, to) => from == 0 || to == 0);
        Assert.Equal(["N1", "P4", "X1"], cluster.Struck.Keys);
    }

    // Several faults at once; what a power cut at the end, which demands that the log gives the same state, takes; late frames; compactions meanwhile.
    private static readonly string[] Always = ["X1", "D1", "D2", "D3", "D4", "N13", "O7"];

    // What clients do of themselves, in some workloads: die with a lease, resume a watch too late.
    private static readonly string[] ByClients = ["K2", "K3"];
}
