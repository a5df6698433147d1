using System.Collections.Immutable;
using System.Globalization;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>What a round is made of. The seed decides everything that we decide; threads and the kernel decide the rest.</summary>
internal sealed record FaultRoundOptions
{
    public required int Seed { get; init; }

    public required ImmutableArray<RealFault> Faults { get; init; }

    /// <summary>How long faults and traffic last.</summary>
    public required TimeSpan Traffic { get; init; }

    public int Nodes { get; init; } = 3;
}

/// <summary>What came of a round.</summary>
/// <param name="Problem">What is wrong; null if nothing.</param>
/// <param name="Checkers">Checkers that were passed.</param>
/// <param name="Line">The round in one line.</param>
/// <param name="Directory">Histories and logs, kept if there is a problem.</param>
/// <param name="Acknowledged">Operations with an answer.</param>
internal sealed record FaultRoundResult(string? Problem, ImmutableArray<string> Checkers, string Line, string Directory, int Acknowledged);

/// <summary>One round: a new cluster, traffic under faults, all mended, progress demanded, and the verdict on what clients saw.</summary>
internal sealed class FaultRound(FaultRoundOptions options)
{
    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MeanPause = TimeSpan.FromMilliseconds(15);

    private readonly RunClock _clock = new();
    private readonly List<string> _checkers = [];

    public static async Task<FaultRoundResult> RunAsync(FaultRoundOptions options)
    {
        string directory = Directory.CreateTempSubdirectory("quorate-faults-").FullName;
        var round = new FaultRound(options);
        using var recorder = new Recorder(Path.Combine(directory, "register.jsonl"), round._clock);
        string? problem = null;
        using (var lab = new NetworkLab(options.Nodes, options.Seed))
        using (var cluster = new FaultCluster(lab, directory))
        {
            try
            {
                problem = await round.RunAsync(lab, cluster, recorder);
            }
            catch (Exception e) when (e is LivenessException)
            {
                problem = e.Message;
            }

            problem ??= cluster.UnexplainedEnds.IsEmpty ? null : string.Join('\n', cluster.UnexplainedEnds);
            if (problem is not null) { cluster.SaveLogs(directory); }
        }

        recorder.Dispose();
        problem ??= round.Judge(recorder.Path);
        int acknowledged = recorder.Count(Outcome.Ok);
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"seed {options.Seed}: {string.Join(" + ", options.Faults)}; {options.Nodes} nodes, {round._clock.Micros / 1e6:F0} s, {acknowledged} ok, {recorder.Count(Outcome.Info)} unknown, {recorder.Count(Outcome.Fail)} refused: {(problem is null ? "legal (" + string.Join(", ", round._checkers) + ")" : "FAILED, see " + directory)}");
        if (problem is null) { Directory.Delete(directory, recursive: true); }
        return new(problem, [.. round._checkers], line, directory, acknowledged);
    }

    private async Task<string?> RunAsync(NetworkLab lab, FaultCluster cluster, Recorder recorder)
    {
        var random = new Random(options.Seed);
        Uri[] all = [.. cluster.Servers.Select(server => server.Endpoint)];
        var registers = new RegisterWorkload(recorder, _clock);
        using var stopClients = new CancellationTokenSource();
        using var stopFaults = new CancellationTokenSource();

        // Half of the clients know one server only: cut off with it, they must not be told what is old.
        var clients = new List<Task>();
        for (int i = 0; i < 2 * options.Nodes; i++)
        {
            Uri[] endpoints = i < options.Nodes ? [all[i]] : all;
            var own = new Random(random.Next());
            clients.Add(Task.Run(() => registers.RunClientAsync(() => new GrpcRegisterClient(Shuffled(endpoints, own), CallPatience), own, MeanPause, stopClients.Token)));
        }

        Task[] faults = [.. options.Faults.Select(fault =>
        {
            var scene = new FaultScene(cluster, recorder, new Random(random.Next()), stopFaults.Token);
            return Task.Run(() => RepeatAsync(fault, scene));
        })];

        await Task.WhenAny(Task.Delay(options.Traffic), Task.WhenAll(faults));
        await stopFaults.CancelAsync();
        await Task.WhenAll(faults);
        recorder.Fault("heal", "all");

        await Liveness.DemandAsync(cluster);
        await stopClients.CancelAsync();
        await Task.WhenAll(clients);
        await Liveness.DemandAgreementAsync(cluster);
        _checkers.Add("liveness");

        int process = recorder.NewProcess();
        using var last = new GrpcRegisterClient(all, Liveness.Bound);
        foreach (string key in registers.Keys)
        {
            if (!await registers.ReadAsync(last, process, key)) { return $"the last read of {key} failed"; }
        }

        return null;
    }

    private static Uri[] Shuffled(Uri[] endpoints, Random random)
    {
        Uri[] order = [.. endpoints];
        random.Shuffle(order);
        return order;
    }

    private static async Task RepeatAsync(RealFault fault, FaultScene scene)
    {
        while (!scene.Stop.IsCancellationRequested) { await fault.RunAsync(scene); }
    }

    private string? Judge(string path)
    {
        string? problem = RegisterJudge.Check(path);
        if (problem is null) { _checkers.Add("register"); }
        return problem;
    }
}
