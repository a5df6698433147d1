using System.Globalization;
using Xunit;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>The real binary in a network of its own, under faults, judged by what its clients saw.</summary>
/// <remarks>
/// The long run is for people: <c>QUORATE_FAULT_MINUTES=30 dotnet test -c Release tests/Quorate.Conformance.Tests --filter Random_faults</c>.
/// <c>QUORATE_FAULT_SEED</c> repeats what a run did, <c>QUORATE_FAULT_RECORD</c> names a file to which it adds its figures, and
/// <c>QUORATE_FAULT_LOG</c> one for a line after each round. With <c>QUORATE_FAULT_KEEP</c> all histories are kept, not only those of
/// rounds that failed.
/// </remarks>
public sealed class FaultTests(ITestOutputHelper output)
{
    private const string Variables = "QUORATE_FAULT_";

    public static TheoryData<string> Kinds => [.. RealFaults.All.Select(fault => fault.Kind).Distinct()];

    public static TheoryData<string> Plants => [.. Plant.All().Select(plant => plant.Name)];

    // Goal: under each kind of fault what clients see is linearizable, no acknowledged write is lost, and once the faults are gone
    // every member serves and all hold the same. One cluster for all faults of a kind, one after the other: starting clusters
    // is what takes long. A fault that has no effect fails the test.
    [Theory]
    [MemberData(nameof(Kinds))]
    public Task Promises_hold_under_faults_of(string kind) => DemandAsync(new FaultRoundOptions
    {
        Seed = 1,
        Faults = [.. RealFaults.All.Where(fault => fault.Kind == kind && IsAvailable(fault))],
    });

    // Goal: the same under several at once, for which nobody has thought of a test.
    [Fact]
    public Task Promises_hold_under_several_at_once() => DemandAsync(
        new FaultRoundOptions
        {
            Seed = 7,
            Faults = [.. RealFaults.All.Where(fault => fault.Row is "P1" or "P4" or "N1" or "N6")],
            Traffic = TimeSpan.FromSeconds(15),
        },
        Strikes.Several);

    // Goal: a suite that never fails proves nothing. With a bug of our own in between, on real processes and with real clients,
    // the checkers say that what clients saw is not legal.
    [Theory]
    [MemberData(nameof(Plants))]
    public async Task A_planted_bug_is_found(string name)
    {
        Plant plant = Plant.All().Single(one => one.Name == name);
        FaultRoundResult result = await FaultRound.RunAsync(new FaultRoundOptions
        {
            Seed = 1,
            Faults = [RealFaults.All.Single(fault => fault.Row == "P1")],
            Plant = plant,
        });
        output.WriteLine($"{result.Line}\n{result.Problem}");
        Assert.True(result.Problem is not null, $"{name}, and the suite says: {result.Line}");
        Assert.Contains("register: VIOLATED", result.Problem, StringComparison.Ordinal);
        Assert.Contains("etcd: VIOLATED", result.Problem, StringComparison.Ordinal);
        FaultRecord.BookPlant(name, "Histories");
    }

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
            record.Add(result);
            string line = (result.Problem ?? result.ProvesNothing) is { } problem ? $"{result.Line}\n{problem}" : result.Line;
            Tell(line);
            if (line != result.Line) { problems.Add(line); }
        }

        Tell(record.Summary);
        Assert.True(problems.Count == 0, string.Join("\n\n", problems));
    }

    private static FaultRoundOptions Draw(int seed)
    {
        var random = new Random(seed);
        RealFault[] possible = [.. RealFaults.All.Where(fault => fault.Unavailable is null)];
        random.Shuffle(possible);

        // A node has one disk: one that can be filled, or one of which a power cut can be made.
        FaultNeeds other = possible[0].Needs.HasFlag(FaultNeeds.LoopDisk) ? FaultNeeds.SmallDisk : FaultNeeds.LoopDisk;
        possible = [.. possible.Where(fault => !fault.Needs.HasFlag(other))];
        return new FaultRoundOptions
        {
            Seed = seed,
            Faults = [.. possible.Take(random.Next(1, 4))],
            Traffic = TimeSpan.FromSeconds(random.Next(40, 70)),
            Nodes = random.Next(5) == 0 ? 5 : 3,
        };
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(Variables + name) is { Length: > 0 } value ? value : null;

    private bool IsAvailable(RealFault fault)
    {
        if (fault.Unavailable is { } reason) { output.WriteLine($"without {fault}: {reason}"); }
        return fault.Unavailable is null;
    }

    private async Task DemandAsync(FaultRoundOptions options, params IEnumerable<string> rows)
    {
        FaultRoundResult result = await FaultRound.RunAsync(options);
        output.WriteLine(result.Line);
        Assert.True(result.Problem is null, $"{result.Line}\n{result.Problem}");
        Assert.True(result.ProvesNothing is null, $"{result.Line}\n{result.ProvesNothing}");
        Assert.Superset(rows.ToHashSet(), result.Struck.Keys.ToHashSet());
    }

    private void Tell(string line)
    {
        output.WriteLine(line);
        if (Variable("LOG") is { } file) { File.AppendAllText(file, line + "\n"); }
    }
}
