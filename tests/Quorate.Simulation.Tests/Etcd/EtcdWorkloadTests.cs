using System.Collections.Immutable;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Etcd;

/// <summary>The workloads of the etcd service: what they ask, what they write down, and that the models judge it.</summary>
public sealed class EtcdWorkloadTests
{
    private static readonly ImmutableArray<Func<EtcdClientWorkload>> All =
        [() => new EtcdWorkload(), () => new AppendWorkload(), () => new SetWorkload(), () => new LockWorkload(), () => new LeaseWorkload(), () => new UserWorkload()];

    public static TheoryData<int> Kinds => [.. Enumerable.Range(0, All.Length)];

    // Goal: a healthy cluster answers everything; the model finds nothing; nothing is left unknown.
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_healthy_cluster_answers_everything(int kind)
    {
        // The first election takes a second or two.
        EtcdClientWorkload workload = All[kind]() with { Patience = TimeSpan.FromSeconds(60) };
        SimResult result = SimRun.Execute(Healthy(1, workload));
        Assert.Null(result.Failure);
        Assert.True(workload.Acknowledged > 100, $"{workload.Acknowledged} writes were acknowledged");
        Assert.DoesNotContain(workload.History.Operations, operation => operation.IsUnknown);
    }

    // Goal: the file that is written is the history that was judged.
    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_history_is_written_and_read_back(int kind)
    {
        EtcdClientWorkload workload = All[kind]();
        Assert.Null(SimRun.Execute(Healthy(2, workload) with { Span = TimeSpan.FromSeconds(5) }).Failure);
        var file = new MemoryStream();
        using (var writer = new HistoryWriter(file, workload.Name)) { workload.WriteHistory(writer); }
        History read = HistoryReader.Read(new MemoryStream(file.ToArray()));
        Assert.Equal(workload.Name, read.Model);
        Assert.Equal(workload.History.Events.Select(e => e.ToString()), read.Events.Select(e => e.ToString()));
        Assert.True(Models.Find(workload.Name)!.Check(read, new()).IsLegal);
    }

    // Goal: the same seed gives the same run, continuations and broken connections included.
    [Fact]
    public void The_same_seed_gives_the_same_trace()
    {
        for (ulong seed = 1; seed <= 4; seed++)
        {
            SimResult first = SimRun.Execute(Scenarios.Etcd.Plan(seed));
            SimResult second = SimRun.Execute(Scenarios.Etcd.Plan(seed));
            Assert.Equal((first.TraceHash, first.Events, first.Operations), (second.TraceHash, second.Events, second.Operations));
        }
    }

    // Goal: whatever goes wrong, the etcd service keeps its promises, and its clients lose no acknowledged write.
    [Fact]
    public void Every_seed_of_the_sweep_holds()
    {
        SimResult[] failed = [.. Seeds.All.AsParallel().WithDegreeOfParallelism(2)
            .Select(seed => SimRun.Execute(Scenarios.Etcd.Plan(seed)))
            .Where(result => result.Failure is not null)];
        Assert.True(failed.Length == 0, $"{failed.Length} seeds failed\n" + string.Join('\n', failed.Take(5).Select(result =>
            $"seed {result.Seed} (again: quorate sim --scenario etcd --seeds {result.Seed}): {result.Failure!.Net}: {result.Failure.Message}")));
    }

    // Goal: connections that break leave writes of unknown outcome, or the fault does nothing.
    [Fact]
    public void Broken_connections_leave_writes_unknown()
    {
        var workload = new EtcdWorkload();
        SimResult result = SimRun.Execute(Healthy(3, workload) with { Faults = [new BrokenConnections { RequestPercent = 5, AnswerPercent = 5 }] });
        Assert.Null(result.Failure);
        Assert.Contains(workload.History.Operations, operation => operation.IsUnknown);
        Assert.Contains("K1", result.Struck.Keys);
    }

    private static SimPlan Healthy(ulong seed, EtcdClientWorkload workload) => new()
    {
        Seed = seed,
        Options = new(),
        Workloads = [workload],
        Faults = [],
        Span = TimeSpan.FromSeconds(15),
    };
}
