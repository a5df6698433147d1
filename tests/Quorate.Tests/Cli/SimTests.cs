using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Quorate.Cli;
using Quorate.Sim;
using Quorate.Simulation;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class SimTests
{
    // Goal: the verdict is one line with the figures, and the same seeds give the same trace whatever the number of threads.
    [Fact]
    public async Task A_sweep_that_holds_is_one_line_and_code_0()
    {
        (ExitCode code, string output, _) = await Run("--seeds", "1..4", "--span", "3", "--jobs", "2");
        Assert.Equal(ExitCode.Ok, code);
        Assert.Matches(@"^passed: 4 seeds, \d+\.\d simulated seconds in \d+\.\d s \(\d+:1\), \d+ events, \d+ operations, \d+ faults, 0 failures; trace [0-9a-f]{16}\nprobes: \d+ of \d+ hit.*\n$", output);
        (_, string again, _) = await Run("--seeds", "1..4", "--span", "3", "--jobs", "1");
        Assert.Equal(TraceOf(output), TraceOf(again));
    }

    // Goal: a failure is told with its net, its sentence and a command that shows the same failure; the command is taken as printed.
    [Fact]
    public async Task A_failed_seed_prints_the_command_that_shows_it_again()
    {
        string[] asked = ["--seed", "3", "--without", "CrashLeader,Partitions", "--span", "2.5", "--clients", "2", "--keys", "1", "--nodes", "1", "--shards", "1", "--spares", "0"];
        (ExitCode code, string output, _) = await Run([.. asked, "--scenario", "picky"]);
        Assert.Equal(ExitCode.Integrity, code);
        Assert.StartsWith("seed 3 caught by Histories: it is always wrong", output, StringComparison.Ordinal);
        Assert.Contains("\nFAILED: 1 seed, ", output, StringComparison.Ordinal);
        string again = output.Split('\n').Single(line => line.Contains("again: ", StringComparison.Ordinal)).Trim();
        Assert.Equal(
            "again: quorate sim --seed 3 --scenario picky --without CrashLeader,Partitions --span 2.5 --clients 2 --keys 1 --nodes 1 --shards 1 --spares 0", again);

        (code, string repeated, _) = await Run(again.Split(' ')[3..]);
        Assert.Equal(ExitCode.Integrity, code);
        Assert.Equal(output.Split('\n')[0], repeated.Split('\n')[0]);
        Assert.Equal(TraceOf(output), TraceOf(repeated));
    }

    [Fact]
    public async Task Json_tells_the_same_and_the_report_tells_each_run()
    {
        string report = Path.Combine(Path.GetTempPath(), $"quorate-sim-{Guid.NewGuid():n}.json");
        try
        {
            (ExitCode code, string output, _) = await Run("--seeds", "7..8", "--scenario", "picky", "--span", "2", "--format", "json", "--report", report);
            Assert.Equal(ExitCode.Integrity, code);
            JsonElement json = JsonElement.Parse(output);
            Assert.Equal("failed", json.GetProperty("verdict").GetString());
            Assert.Equal(2, json.GetProperty("failures").GetInt32());
            Assert.True(json.GetProperty("operations").GetInt32() > 0);
            Assert.Equal("Histories", json.GetProperty("failed")[0].GetProperty("net").GetString());
            Assert.Equal("quorate sim --seed 7 --scenario picky --span 2", json.GetProperty("failed")[0].GetProperty("replay").GetString());
            JsonElement runs = JsonElement.Parse(await File.ReadAllTextAsync(report)).GetProperty("runs");
            Assert.Equal([7, 8], runs.EnumerateArray().Select(run => run.GetProperty("seed").GetInt32()));
            Assert.All(runs.EnumerateArray(), run => Assert.Matches("^[0-9a-f]{16}$", run.GetProperty("trace").GetString()));
        }
        finally
        {
            File.Delete(report);
        }
    }

    // Goal: a sweep in which nobody asked anything is no success.
    [Fact]
    public async Task Runs_without_an_operation_prove_nothing()
    {
        (ExitCode code, string output, _) = await Run("--seed", "1", "--scenario", "idle");
        Assert.Equal(ExitCode.Integrity, code);
        Assert.StartsWith("PROVES NOTHING (no client asked anything in any run): 1 seed, ", output, StringComparison.Ordinal);
    }

    // Goal: a sweep says which runs prove nothing of faults, and is no success if none struck, or one that was planned often never did.
    [Fact]
    public void Faults_that_never_struck_are_told()
    {
        SimVerdict verdict = new() { Scenario = Scenarios.Swarm, Cuts = new() };
        verdict.Add(Result(1, ["P1"]));
        Assert.Equal("no fault struck, or no client was answered, in any run", verdict.Canary);
        for (ulong seed = 2; seed <= 59; seed++) { verdict.Add(Result(seed, ["P1", "P2"], "P1")); }
        Assert.Null(verdict.Canary);
        Assert.Contains("; no fault struck, or no client was answered, in seed 1", verdict.Line(), StringComparison.Ordinal);
        for (ulong seed = 60; seed <= 61; seed++) { verdict.Add(Result(seed, ["P1", "P2"], "P1")); }
        Assert.Equal("never struck, though planned often: P2", verdict.Canary);
        Assert.Equal(ExitCode.Integrity, verdict.Code);
        verdict.Add(Result(62, ["P1", "P2"], "P2"));
        Assert.Null(verdict.Canary);

        static SimResult Result(ulong seed, string[] planned, params string[] struck) => new()
        {
            Seed = seed,
            Failure = null,
            TraceHash = 0,
            Events = 1,
            Simulated = TimeSpan.FromSeconds(1),
            Operations = 1,
            Acknowledged = 1,
            Faults = [],
            Rows = [.. planned],
            Workloads = [],
            Struck = new(struck.ToDictionary(row => row, _ => 1), StringComparer.Ordinal),
        };
    }

    // Goal: a failure is made smaller, and the command at the end shows the small one.
    [Fact]
    public async Task Shrink_prints_a_smaller_command_that_still_fails()
    {
        (ExitCode code, string output, _) = await Run("--seeds", "4..5", "--scenario", "picky", "--span", "2", "--shrink");
        Assert.Equal(ExitCode.Integrity, code);
        string smallest = output.Split('\n').Last(line => line.Contains("again: ", StringComparison.Ordinal)).Trim();
        Assert.StartsWith("again: quorate sim --seed 4 --scenario picky --without ", smallest, StringComparison.Ordinal);
        Assert.Contains("--clients 1 --keys 1", smallest, StringComparison.Ordinal);
        (code, string repeated, _) = await Run(smallest.Split(' ')[3..]);
        Assert.Equal(ExitCode.Integrity, code);
        Assert.StartsWith("seed 4 caught by Histories: it is always wrong", repeated, StringComparison.Ordinal);

        (_, string json, _) = await Run("--seed", "4", "--scenario", "picky", "--span", "2", "--shrink", "--format", "json");
        Assert.Equal(smallest, "again: " + JsonElement.Parse(json).GetProperty("shrunk").GetProperty("replay").GetString());
    }

    // Goal: the traces of a seed are equal, and those of two different runs part at a line that is shown with what came before it.
    [Fact]
    public async Task Traces_are_written_and_compared()
    {
        string directory = Directory.CreateTempSubdirectory("quorate-sim-").FullName;
        try
        {
            string[] paths = [.. Enumerable.Range(0, 3).Select(i => Path.Combine(directory, $"{i}.txt"))];
            await Run("--seed", "3", "--span", "2", "--trace", paths[0]);
            await Run("--seed", "3", "--span", "2", "--trace", paths[1]);
            await Run("--seed", "3", "--span", "1.5", "--trace", paths[2]);
            (ExitCode code, string output, _) = await Run("diff", paths[0], paths[1]);
            Assert.Equal(ExitCode.Ok, code);
            Assert.Matches(@"^equal: \d{3,} lines\n$", output);
            (code, output, _) = await Run("diff", paths[0], paths[2]);
            Assert.Equal(ExitCode.Failed, code);
            Assert.Contains("the traces part at line 1\n", output, StringComparison.Ordinal);
            Assert.Contains("\nB > # seed 3: ", output, StringComparison.Ordinal);

            await File.WriteAllLinesAsync(paths[0], ["one", "two", "three"]);
            await File.WriteAllLinesAsync(paths[1], ["one", "two", "drei"]);
            (_, output, _) = await Run("diff", paths[0], paths[1]);
            Assert.Equal("the traces part at line 3\n    one\n    two\nA > three\nA   (end)\nB > drei\nB   (end)\n", output);
            Assert.Equal(ExitCode.Precondition, (await Assert.ThrowsAsync<CliException>(() => Run("diff", paths[0], paths[0] + ".no"))).Code);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Goal: runs of several invocations add up in the file of facts, each seed once; records of other suites join them; the page follows.
    [Fact]
    public async Task Records_add_up_over_several_invocations()
    {
        string directory = Directory.CreateTempSubdirectory("quorate-sim-").FullName;
        try
        {
            string facts = Path.Combine(directory, "facts.json");
            await Run("--seeds", "1..2", "--scenario", "picky", "--record", facts);
            (_, string output, _) = await Run("--seeds", "2..3", "--scenario", "picky", "--record", facts);
            Assert.Contains("\n1 of these seeds were recorded before; they are not counted again\n", output, StringComparison.Ordinal);
            JsonElement simulated = JsonElement.Parse(await File.ReadAllTextAsync(facts)).GetProperty("simulated");
            Assert.Equal((3, 3), (simulated.GetProperty("runs").GetInt32(), simulated.GetProperty("failures").GetInt32()));
            Assert.Equal("1..3", simulated.GetProperty("seeds").GetProperty("picky")[0].GetString());

            string record = Path.Combine(directory, "real.jsonl");
            await File.WriteAllTextAsync(record, """{"fault":"D5","where":"real","checkers":["register"],"passed":4,"failed":0,"minutes":2}""" + "\n\n");
            (_, output, _) = await Run("report", "--facts", facts, "--add", record);
            Assert.EndsWith("facts.md: written; 1 records added\n", output, StringComparison.Ordinal);
            string page = await File.ReadAllTextAsync(Path.Combine(directory, "facts.md"));
            Assert.Contains("| D5 | a sync fails | - | - | - | 4 | register |", page, StringComparison.Ordinal);
            Assert.Contains("Seeds of `picky`: 1..3.", page, StringComparison.Ordinal);

            // A bad line adds nothing, not even the good ones before it.
            await File.AppendAllTextAsync(record, "{}\n");
            string before = await File.ReadAllTextAsync(facts);
            CliException bad = await Assert.ThrowsAsync<CliException>(() => Run("report", "--facts", facts, "--add", record));
            Assert.Equal(ExitCode.Usage, bad.Code);
            Assert.Contains("real.jsonl:3: a record has ", bad.Message, StringComparison.Ordinal);
            Assert.Equal(before, await File.ReadAllTextAsync(facts));
            Assert.Equal(3, Directory.GetFiles(directory).Length);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Goal: what clients saw can be judged outside the simulator: the history of a seed is legal, and not once an answer is tampered with.
    [Fact]
    public async Task The_history_of_a_seed_can_be_checked()
    {
        string directory = Directory.CreateTempSubdirectory("quorate-sim-").FullName;
        try
        {
            string history = Path.Combine(directory, "history.jsonl");
            int seed = Enumerable.Range(1, 100).First(each => Scenarios.Swarm.Plan((ulong)each).Workloads is [RegisterWorkload]);
            await Run("--seed", seed.ToString(CultureInfo.InvariantCulture), "--span", "5", "--history", history);
            var output = new StringWriter();
            Assert.Equal((int)ExitCode.Ok, await CommandLine.RunAsync(["check", history], output, output));
            Assert.Matches(@"^legal: \d{2,} operations", output.ToString());

            string[] lines = await File.ReadAllLinesAsync(history);
            int read = Array.FindLastIndex(lines, line => line.Contains("\"type\":\"ok\",\"f\":\"read\"", StringComparison.Ordinal));
            lines[read] = System.Text.RegularExpressions.Regex.Replace(lines[read], "\"value\":[^,]*,", "\"value\":987654321,");
            await File.WriteAllLinesAsync(history, lines);
            Assert.Equal((int)ExitCode.Integrity, await CommandLine.RunAsync(["check", history], output, output));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Goal: many failures are mostly one bug, so a sweep ends early.
    [Fact]
    public async Task A_sweep_ends_after_so_many_failures()
    {
        (ExitCode code, string output, _) = await Run("--seeds", "1..1000000", "--scenario", "picky", "--span", "1", "--jobs", "1", "--failures", "2");
        Assert.Equal(ExitCode.Integrity, code);
        Assert.Contains("FAILED: 2 seeds, ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--seeds is '9..3'; it must be one seed, or the first and the last", "--seeds", "9..3")]
    [InlineData("--seeds is '1..2..3'", "--seeds", "1..2..3")]
    [InlineData("--seeds is '-1'", "--seeds=-1")]
    [InlineData("--seeds is '1..', which has no end; say --minutes too.", "--seeds", "1..")]
    [InlineData("--seed and --seeds: name one of them.", "--seeds", "1..2", "--seed", "1")]
    [InlineData("--scenario is 'x'; it must be one of swarm, picky, idle.", "--scenario", "x")]
    [InlineData("--without names 'Crash', which is no fault; there are ", "--without", "Crash")]
    [InlineData("--trace is for one seed; say --seed N.", "--seeds", "1..2", "--trace", "x")]
    [InlineData("--record counts whole runs only, and --span 3 leaves something out.", "--span", "3", "--record", "x.json")]
    [InlineData("x.txt: a file of facts ends in .json; the page is written beside it", "--record", "x.txt")]
    [InlineData("--jobs is 0; it must be at least 1 and at most 256.", "--jobs", "0")]
    [InlineData("--minutes is 0; it must be more than 0", "--minutes", "0")]
    [InlineData("--span is -1; it must be more than 0", "--span", "-1")]
    [InlineData("--nodes is 0; it must be at least 1.", "--nodes", "0")]
    public async Task Bad_input_is_told_with_the_option_and_the_rule(string problem, params string[] args)
    {
        CliException thrown = await Assert.ThrowsAsync<CliException>(() => Run(args));
        Assert.Equal(ExitCode.Usage, thrown.Code);
        Assert.StartsWith(problem, thrown.Message, StringComparison.Ordinal);
    }

    private static readonly Scenario[] TestScenarios =
    [
        Scenarios.Swarm,
        new("picky", "Every history is wrong.", seed => Scenarios.Swarm.Plan(seed) with { Workloads = [new Picky()] }),
        new("idle", "Nobody asks.", seed => Scenarios.Swarm.Plan(seed) with { Workloads = [new Idle()], FewestPerMinute = 0 }),
    ];

    private static async Task<(ExitCode Code, string Output, string Error)> Run(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        int code = await new RootCommand { SimCommand.Create(TestScenarios) }.Parse(["sim", .. args]).InvokeAsync(
            new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        return ((ExitCode)code, output.ToString(), error.ToString());
    }

    private static string TraceOf(string output) => output.Substring(output.IndexOf("; trace ", StringComparison.Ordinal), 24);

    private record Idle : SimWorkload
    {
        private int _ticks;

        public override History History { get; } = new();

        public override string Name => "idle";

        public override int Operations => Count;

        public override int Acknowledged => 0;

        public override bool IsIdle => true;

        protected int Count { get; set; }

        public override void Start(SimCluster cluster, long end) => _ticks++;

        public override void Finish(SimCluster cluster) => Assert.Equal(1, _ticks);

        public override void Check()
        {
        }
    }

    private sealed record Picky : Idle
    {
        public override void Start(SimCluster cluster, long end)
        {
            base.Start(cluster, end);
            Count = 100;
        }

        public override void Check() => throw new SimulationException(SimNet.Histories, "it is always wrong");
    }
}
