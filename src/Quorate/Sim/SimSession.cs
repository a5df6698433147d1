using System.Text;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Host;
using Quorate.Simulation;
using Quorate.Simulation.Checkers;

namespace Quorate.Sim;

/// <summary>One use of <c>quorate sim</c>: runs, tells of failures as they come, and gives the verdict.</summary>
internal sealed class SimSession
{
    // The rest is in the trace.
    private const int ShownChanges = 12;
    private static readonly TimeSpan RecordInterval = TimeSpan.FromMinutes(1);

    private readonly SimRequest _request;
    private readonly TextWriter _output;
    private readonly SimVerdict _verdict;
    private readonly SimProgress _progress;
    private readonly FactsFile? _record;
    private readonly List<SimResult> _toRecord = [];
    private readonly SortedDictionary<string, long> _recordedProbes = new(StringComparer.Ordinal);
    private TimeSpan _recordedAt;
    private int _countedBefore;

    private SimSession(SimRequest request, TextWriter output, TextWriter error)
    {
        _request = request;
        _output = output;
        _verdict = new() { Scenario = request.Scenario, Cuts = request.Cuts };
        _progress = new(error, request.Seeds.Count, request.Within);
        if (request.Record is { } path)
        {
            _record = new(path);
            _record.Change(static _ => { }); // What is wrong with the file is told before the runs, not after them.
        }
    }

    /// <summary>Runs what was asked for.</summary>
    public static ExitCode Run(SimRequest request, TextWriter output, TextWriter error)
    {
        var session = new SimSession(request, output, error);
        using var signals = new StopSignals();
        return session.Run(signals.Token);
    }

    private ExitCode Run(CancellationToken stop)
    {
        if (_request.Trace is not null || _request.History is not null) { RunOne(); }
        else
        {
            new SimSweep
            {
                Plan = Plan,
                Seeds = _request.Seeds,
                Jobs = _request.Jobs,
                Within = _request.Within ?? TimeSpan.MaxValue,
                MostFailures = _request.MostFailures,
            }.Run(Take, stop);
        }

        _progress.Clear();
        _verdict.Took = _progress.Elapsed;
        Record(force: true);
        _verdict.WasStopped = stop.IsCancellationRequested;
        JsonObject? shrunk = _request.Shrink && _verdict.Failed.FirstOrDefault() is { } failed ? Shrink(failed.Seed, stop) : null;
        if (_request.Report is not null) { File.WriteAllText(_request.Report, _verdict.Report().ToJsonString() + "\n", new UTF8Encoding(false)); }
        if (_request.IsJson)
        {
            JsonObject json = _verdict.Json();
            if (shrunk is not null) { json["shrunk"] = shrunk; }
            _output.WriteLine(json.ToJsonString());
        }
        else
        {
            _output.WriteLine(_verdict.Line());
            _output.WriteLine(SimVerdict.ProbesLine());
            if (_countedBefore > 0) { _output.WriteLine($"{_countedBefore} of these seeds were recorded before; they are not counted again"); }
        }

        return _verdict.Code;
    }

    private void RunOne()
    {
        SimPlan plan = Plan(_request.Seeds.First);
        using (StreamWriter? trace = _request.Trace is { } path ? new(path, append: false, new UTF8Encoding(false), bufferSize: 1 << 16) : null)
        {
            Take(SimRun.Execute(plan, trace));
        }

        if (_request.History is not { } history) { return; }
        foreach (SimWorkload workload in plan.Workloads)
        {
            // A file is of one model: further workloads have files beside the first one's.
            string file = workload == plan.Workloads[0] ? history : Path.ChangeExtension(history, workload.Name + Path.GetExtension(history));
            using var writer = new HistoryWriter(
                File.Create(file), workload.Name, new() { ["seed"] = plan.Seed, ["replay"] = _verdict.ReplayOf(plan.Seed) });
            workload.WriteHistory(writer);
            if (!_request.IsJson) { _output.WriteLine($"history of {workload.Name}: {file}"); }
        }
    }

    private SimPlan Plan(ulong seed) => _request.Cuts.Apply(_request.Scenario.Plan(seed));

    private void Take(SimResult run)
    {
        _verdict.Add(run);
        if (run.Failure is not null && !_request.IsJson)
        {
            _progress.Clear();
            _verdict.WriteFailure(_output, run, ShownChanges);
        }

        if (_record is not null) { _toRecord.Add(run); }
        Record(force: false);
        _progress.Show(_verdict.Totals);
    }

    // Now and then, so that a long sweep that is killed has not run for nothing.
    private void Record(bool force)
    {
        TimeSpan now = _progress.Elapsed;
        if (_record is null || _toRecord.Count == 0 || (!force && now - _recordedAt < RecordInterval)) { return; }
        _record.Change(facts =>
        {
            (string, long)[] probes = [.. CodeProbes.All.Select(probe => (probe.Name, probe.Hits - _recordedProbes.GetValueOrDefault(probe.Name)))];
            SimResult[] counted = [.. _toRecord.Where(run => facts.Add(_request.Scenario.Name, run))];
            _countedBefore += _toRecord.Count - counted.Length;
            facts.AddProbes(probes);
            var simulated = TimeSpan.FromTicks(counted.Sum(run => run.Simulated.Ticks));
            facts.AddTime(_request.Scenario.Name, simulated, (now - _recordedAt) * counted.Length / _toRecord.Count);
            foreach ((string name, long hits) in probes) { _recordedProbes[name] = _recordedProbes.GetValueOrDefault(name) + hits; }
        });
        _toRecord.Clear();
        _recordedAt = now;
    }

    private JsonObject Shrink(ulong seed, CancellationToken stop)
    {
        if (!_request.IsJson) { _output.WriteLine($"shrinking seed {seed}"); }
        var shrinker = new SimShrinker(
            () => _request.Scenario.Plan(seed), cut => { if (!_request.IsJson) { _output.WriteLine($"  still fails: {cut}"); } }, stop);
        if (!shrinker.Shrink(_request.Cuts))
        {
            throw new CliException(ExitCode.Failed, $"seed {seed} failed once and then did not: its run does not depend on the seed alone");
        }

        string replay = SimVerdict.Replay(_request.Scenario, seed, shrinker.Cuts);
        if (!_request.IsJson)
        {
            _output.WriteLine($"smallest after {shrinker.Runs} runs: {shrinker.Plan().ToText()}");
            _output.WriteLine($"  {SimVerdict.SentenceOf(shrinker.Failure)}");
            _output.WriteLine($"  again: {replay}");
        }

        return new()
        {
            ["seed"] = seed,
            ["runs"] = shrinker.Runs,
            ["net"] = shrinker.Failure.Failure!.Net.ToString(),
            ["sentence"] = SimVerdict.SentenceOf(shrinker.Failure),
            ["plan"] = shrinker.Plan().ToText(),
            ["replay"] = replay,
        };
    }
}
