using Xunit;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>The real binary in a network of its own, under faults, judged by what its clients saw.</summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    public static TheoryData<string> Faults => [.. RealFaults.All.Select(fault => fault.ToString())];

    // Goal: under each kind of fault what clients see is linearizable, no acknowledged write is lost, and once the fault is gone
    // every member serves and all hold the same.
    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Promises_hold_under(string fault)
    {
        RealFault chosen = RealFaults.All.Single(f => f.ToString() == fault);
        FaultRoundResult result = await FaultRound.RunAsync(new FaultRoundOptions
        {
            Seed = 1,
            Faults = [chosen],
            Traffic = TimeSpan.FromSeconds(6),
        });
        output.WriteLine(result.Line);
        Assert.True(result.Problem is null, $"{result.Line}\n{result.Problem}");
        Assert.True(result.Acknowledged >= 100, $"only {result.Acknowledged} answers: the run proves too little");
    }
}
