using System.Globalization;
using Xunit;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>The real binary in a network of its own, under faults, judged by what its clients saw.</summary>
/// <remarks>
/// The long run is for people: <c>QUORATE_FAULT_MINUTES=30 dotnet test -c Release tests/Quorate.Conformance.Tests --filter Random_faults</c>.
/// <c>QUORATE_FAULT_SEED</c> repeats what a run did, <c>QUORATE_FAULT_RECORD</c> names a file for its totals, and
/// <c>QUORATE_FAULT_LOG</c> one for a line after each round. With <c>QUORATE_FAULT_KEEP</c> all histories are kept, not only those of
/// rounds that failed.
/// </remarks>
public sealed class FaultTests(ITestOutputHelper output)
{
    private const string Variables = "QUORATE_FAULT_";

    public static TheoryData<string> Faults => [.. RealFaults.All.Select(fault => fault.ToString())];

    // Goal: under each kind of fault what clients see is linearizable, no acknowledged write is lost, and once the fault is gone
    // every member serves and all hold the same.
    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Promises_hold_under(string fault)
    {
        RealFault chosen = RealFaults.All.Single(f => f.ToString() == fault);
        if (chosen.Unavailable is { } reason) { Assert.Skip(reason); }
        await DemandAsync(new FaultRoundOptions { Seed = 1, Faults = [chosen], Traffic = TimeSpan.FromSeconds(4.5) });
    }

    // Goal: the same under several at once, for which nobody has thought of a test.
    [Fact]
    public Task Promises_hold_under_several_at_once() => DemandAsync(new FaultRoundOptions
    {
        Seed = 7,
        Faults = [.. RealFaults.All.Where(fault => fault.Row is "P1" or "P4" or "N1" or "N6")],
        Traffic = TimeSpan.FromSeconds(20),
    });

    // Goal: the same for as long as somebody cares to wait. Rounds of about a minute, each with a random few of the faults.
    [Fact]
    public async Task Random_faults_for_as_long_as_asked()
    {
        string? asked = Variable("MINUTES");
        if (asked is null) { Assert.Skip("set QUORATE_FAULT_MINUTES for a long run"); }
        var minutes = TimeSpan.FromMinutes(double.Parse(asked, CultureInfo.InvariantCulture));
        int seed = Variable("SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next(1_000_000);
        var record = new FaultRecord();
        var problems = new List<string>();
        for (int round = 0; record.Duration < minutes; round++)
        {
            FaultRoundOptions options = Draw(seed + round);
            FaultRoundResult result = await FaultRound.RunAsync(options);
            record.Add(options, result);
            Tell(result.Line);
            if (result.Problem is not null) { problems.Add($"{result.Line}\n{result.Problem}"); }
            if (Variable("RECORD") is { } file) { record.Save(file); }
        }

        Tell(record.Summary);
        Assert.True(problems.Count == 0, string.Join("\n\n", problems));
    }

    private static FaultRoundOptions Draw(int seed)
    {
        var random = new Random(seed);
        RealFault[] possible = [.. RealFaults.All.Where(fault => fault.Unavailable is null)];
        random.Shuffle(possible);
        return new FaultRoundOptions
        {
            Seed = seed,
            Faults = [.. possible.Take(random.Next(1, 4))],
            Traffic = TimeSpan.FromSeconds(random.Next(40, 70)),
            Nodes = random.Next(5) == 0 ? 5 : 3,
        };
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(Variables + name) is { Length: > 0 } value ? value : null;

    private async Task DemandAsync(FaultRoundOptions options)
    {
        FaultRoundResult result = await FaultRound.RunAsync(options);
        output.WriteLine(result.Line);
        Assert.True(result.Problem is null, $"{result.Line}\n{result.Problem}");
        Assert.True(result.Effects > 0 || !options.Faults.Any(fault => fault.IsCounted), $"{result.Line}: the faults did nothing");
        Assert.True(result.Acknowledged >= 50 && result.Faults >= 3, $"{result.Line}: the run proves too little");
    }

    private void Tell(string line)
    {
        output.WriteLine(line);
        if (Variable("LOG") is { } file) { File.AppendAllText(file, line + "\n"); }
    }
}
