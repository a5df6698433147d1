using Xunit;

namespace Quorate.Simulation.Tests;

public sealed class SimTraceTests
{
    // Goal: a trace only looks. The run is the same with and without, and two traces of a seed are the same text.
    [Fact]
    public void A_trace_changes_nothing_and_repeats()
    {
        using var first = new StringWriter();
        using var second = new StringWriter();
        SimResult untraced = SimRun.Execute(NarrowScenarios.Elections(3));
        SimResult traced = SimRun.Execute(NarrowScenarios.Elections(3), first);
        SimRun.Execute(NarrowScenarios.Elections(3), second);
        Assert.Equal((untraced.TraceHash, untraced.Events), (traced.TraceHash, traced.Events));
        Assert.Equal(first.ToString(), second.ToString());
        string[] events = ["start", "sync: ", "receive: from n", "became-leader: shard", "asked: {", "answer: {", " AppendEntries term ", "send to n"];
        Assert.All(events, word => Assert.Contains(word, first.ToString(), StringComparison.Ordinal));
        Assert.EndsWith($"# trace hash {untraced.TraceHash:x16}\n", first.ToString(), StringComparison.Ordinal);
    }
}
