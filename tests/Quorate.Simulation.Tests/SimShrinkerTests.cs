using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests;

public sealed class SimShrinkerTests
{
    // Goal: what a failure does not need is gone at the end, and what it needs is still there.
    // Method: a plan with everything in it, and a check that fails if one fault struck late enough, in a cluster and with clients enough.
    [Fact]
    public void Only_what_the_failure_needs_is_left()
    {
        var kept = new List<string>();
        var shrinker = new SimShrinker(Draw, kept.Add);
        Assert.True(shrinker.Shrink(SimCuts.None));

        Assert.Equal(["Poison"], shrinker.Plan().Faults.Select(fault => fault.Name));
        Assert.Equal(SimNet.Histories, shrinker.Failure.Failure!.Net);
        Assert.InRange(shrinker.Plan().Span, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3.2));
        Assert.Equal(
            (3, 0, 1, 2), (shrinker.Plan().Options.Nodes, shrinker.Plan().Options.Spares, shrinker.Plan().Options.Shards, shrinker.Plan().Workloads.Single().Clients));
        Assert.Contains("3 nodes", kept);
        Assert.InRange(shrinker.Runs, 5, 60);

        // The printed cuts say all of it: the run with them, on a plan drawn afresh, is the same run.
        SimResult again = SimRun.Execute(shrinker.Cuts.Apply(Draw()));
        Assert.Equal((shrinker.Failure.TraceHash, "Poison"), (again.TraceHash, again.Faults.Single()));
    }

    // Goal: a run that holds is not shrunk.
    [Fact]
    public void A_run_that_holds_is_left_alone()
    {
        var shrinker = new SimShrinker(Draw, _ => Assert.Fail("nothing to cut"));
        Assert.False(shrinker.Shrink(SimCuts.None with { Without = ["Poison"] }));
        Assert.Equal(1, shrinker.Runs);
    }

    // Goal: a cut of the number of things never adds any.
    [Fact]
    public void Cuts_only_make_a_plan_smaller()
    {
        SimPlan whole = Draw();
        SimPlan cut = new SimCuts { Nodes = 100, Shards = 100, Clients = 100, Keys = 100, Spares = 100, Span = TimeSpan.FromDays(1) }.Apply(Draw());
        Assert.Equal(whole.Options, cut.Options);
        Assert.Equal((whole.Span, whole.Workloads[0].Clients, whole.Workloads[0].Keys), (cut.Span, cut.Workloads[0].Clients, cut.Workloads[0].Keys));
    }

    private static readonly SimOptions Options = new() { Nodes = 5, Shards = 3, Spares = 2 };

    private static SimPlan Draw() => new()
    {
        Seed = 9,
        Options = Options,
        Workloads = [new Fussy { Clients = 6, Keys = 3 }],
        Faults = [new Transfers(), new Poison(), new LossyNetwork(), new CrashLeader()],
        Span = TimeSpan.FromSeconds(10),
    };

    private sealed record Poison : SimFault
    {
        public override ImmutableArray<string> Rows => ["P7"];

        internal override void Start(SimCluster cluster, Prng random, long end)
        {
            if (end - cluster.Now >= 3_000_000) { cluster.After(2_000_000, () => cluster.Strike("P7", "poison")); }
        }
    }

    private sealed record Fussy : SimWorkload
    {
        private SimCluster? _cluster;

        public override string Name => "fussy";

        public override History History { get; } = new();

        public override int Operations => 100;

        public override int Acknowledged => 100;

        public override bool IsIdle => true;

        public override void Start(SimCluster cluster, long end) => _cluster = cluster;

        public override void Finish(SimCluster cluster)
        {
        }

        public override void Check()
        {
            if (_cluster!.Nodes.Length >= 3 && Clients >= 2 && _cluster.Struck.ContainsKey("P7"))
            {
                throw new SimulationException(SimNet.Histories, "poisoned");
            }
        }
    }
}
