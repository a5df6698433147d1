using System.Text;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Host;
using Quorate.Simulation;

namespace Quorate.Sim;

/// <summary>One use of <c>quorate sim</c>: runs, tells of failures as they come, and gives the verdict.</summary>
internal sealed class SimSession
{
    // The rest is in the trace.
    private const int ShownChanges = 12;

    private readonly SimRequest _request;
    private readonly TextWriter _output;
    private readonly SimVerdict _verdict;
    private readonly SimProgress _progress;

    private SimSession(SimRequest request, TextWriter output, TextWriter error)
    {
        _request = request;
        _output = output;
        _verdict = new() { Scenario = request.Scenario, Cuts = request.Cuts };
        _progress = new(error, request.Seeds.Count, request.Within);
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
        if (_request.Trace is { } path)
        {
            using var trace = new StreamWriter(path, append: false, new UTF8Encoding(false), bufferSize: 1 << 16);
            Take(SimRun.Execute(Plan(_request.Seeds.First), trace));
        }
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
        }

        return _verdict.Code;
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

        _progress.Show(_verdict.Totals);
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
