using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Simulation.Checkers;
using Xunit.Sdk;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>What a round is made of. The seed decides everything that we decide; threads and the kernel decide the rest.</summary>
internal sealed record FaultRoundOptions
{
    public required int Seed { get; init; }

    public required ImmutableArray<RealFault> Faults { get; init; }

    /// <summary>How long faults and traffic last, all faults at the same time; null: one fault after the other, as long as that takes.</summary>
    public TimeSpan? Traffic { get; init; }

    /// <summary>A bug of the test's own, which the round must find.</summary>
    public Plant? Plant { get; init; }

    public int Nodes { get; init; } = 3;

    /// <summary>etcdctl and python3-etcd3 take part, where they are installed.</summary>
    public bool WithOtherClients { get; init; } = true;
}

/// <summary>What came of a round.</summary>
internal sealed record FaultRoundResult
{
    /// <summary>What is wrong; null if nothing.</summary>
    public string? Problem { get; init; }

    /// <summary>Why the round proves nothing though nothing is wrong; null if it proves something.</summary>
    public string? ProvesNothing { get; init; }

    /// <summary>Checkers that were passed.</summary>
    public required ImmutableArray<string> Checkers { get; init; }

    /// <summary>The round in one line.</summary>
    public required string Line { get; init; }

    /// <summary>Answers that clients got.</summary>
    public required int Acknowledged { get; init; }

    /// <summary>Rows of the catalogue whose faults had an effect, and how often.</summary>
    public required ImmutableSortedDictionary<string, int> Struck { get; init; }

    /// <summary>From the first start to the verdict.</summary>
    public required TimeSpan Duration { get; init; }
}

/// <summary>One round: a new cluster, traffic under faults, all mended, progress demanded, and the verdict on what clients saw.</summary>
internal sealed class FaultRound : IDisposable
{
    /// <summary>What the names of our directories begin with; our process id follows.</summary>
    public const string DirectoryPrefix = "quorate-faults-";

    // Below both, clients saw too little of the faults. Several faults at once on a machine busy with other tests gave one a second.
    private const double LeastAnswersPerSecond = 0.5;
    private const int LeastAnswersPerFault = 10;
    private const int StrikesInSequence = 2;
    private const int MostTriesInSequence = 6;
    private const double PaceInSequence = 0.4;

    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MeanPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan MeanPauseOfPrograms = TimeSpan.FromMilliseconds(300);

    // For whoever wants to see a history that is legal.
    private static readonly bool IsKept = Environment.GetEnvironmentVariable("QUORATE_FAULT_KEEP") is { Length: > 0 };

    private readonly FaultRoundOptions _options;
    private readonly string _directory = Directory.CreateTempSubdirectory($"{DirectoryPrefix}{Environment.ProcessId}-").FullName;
    private readonly Journal _journal;
    private readonly RegisterWorkload _registers;
    private readonly StoreWorkload _store = new();
    private readonly List<string> _passed = [];
    private string? _idle;

    private FaultRound(FaultRoundOptions options)
    {
        _options = options;
        var about = new JsonObject
        {
            ["seed"] = options.Seed,
            ["nodes"] = options.Nodes,
            ["faults"] = new JsonArray([.. options.Faults.Select(fault => (JsonNode)fault.ToString())]),
        };
        _journal = new Journal(_directory, about);
        _registers = new RegisterWorkload(_journal);
    }

    public static async Task<FaultRoundResult> RunAsync(FaultRoundOptions options)
    {
        using var round = new FaultRound(options);
        string? problem;
        try
        {
            problem = await round.RunAsync();
        }
        catch (Exception e) when (e is not SkipException)
        {
            problem = e.ToString(); // A tool or a start that failed; the next round of a long run may go on.
        }

        round._journal.Dispose(); // The last lines are on their way to the file.
        string[] found = [.. new[] { problem, round.Judge(round._journal.Registers), round.Judge(round._journal.Store) }.OfType<string>()];
        problem = found.Length == 0 ? null : string.Join('\n', found);
        FaultRoundResult result = round.Result(problem);
        if ((problem is null || options.Plant is not null) && !IsKept) { Directory.Delete(round._directory, recursive: true); }
        return result;
    }

    public void Dispose() => _journal.Dispose();

    private async Task<string?> RunAsync()
    {
        FaultNeeds needs = _options.Faults.Aggregate(FaultNeeds.None, (all, one) => all | one.Needs);
        using var lab = new NetworkLab(_options.Nodes, _options.Seed);
        using var cluster = new FaultCluster(lab, _directory, needs, Settings(_options.Seed));
        string? problem = null;
        try
        {
            problem = await RunAsync(cluster);
        }
        catch (LivenessException e)
        {
            problem = e.Message;
        }
        catch (Exception e)
        {
            problem = e.ToString();
        }

        problem ??= cluster.Complaints.IsEmpty ? null : string.Join('\n', cluster.Complaints);
        if (problem is not null) { cluster.SaveLogs(_directory); }
        return problem;
    }

    private async Task<string?> RunAsync(FaultCluster cluster)
    {
        var random = new Random(_options.Seed);
        using var stopClients = new CancellationTokenSource();
        using var stopFaults = new CancellationTokenSource();
        Task clients = Task.WhenAll(StartClients(cluster, random, stopClients.Token));
        FaultScene[] scenes =
        [
            .. _options.Faults.Select(fault => new FaultScene(fault.Row, cluster, _journal, new Random(random.Next()), stopFaults.Token)),
        ];
        Task faults = _options.Traffic is null
            ? Task.Run(() => RunInTurnAsync(scenes))
            : Task.WhenAll(_options.Faults.Zip(scenes, (fault, scene) => Task.Run(() => RepeatAsync(fault, scene))));

        try
        {
            int before = _journal.Acknowledged;
            long since = _journal.Clock.Micros;
            await Task.WhenAny(Task.Delay(_options.Traffic ?? Timeout.InfiniteTimeSpan, stopFaults.Token), faults, clients);
            await stopFaults.CancelAsync();
            await faults;
            _idle ??= Idle(_journal.Acknowledged - before, TimeSpan.FromMicroseconds(_journal.Clock.Micros - since));
            _journal.Fault("heal", "all");
            await Liveness.DemandAsync(cluster, _journal);
        }
        finally
        {
            // Nothing outlives the round, or it would talk to the next one's servers.
            await stopFaults.CancelAsync();
            await stopClients.CancelAsync();
            await clients;
            await faults.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        await Liveness.DemandAgreementAsync(cluster);
        _passed.Add("liveness");

        using var last = new RecordedClient(new GrpcStoreClient(cluster.Endpoints, Liveness.Bound), _journal);
        foreach (string key in _registers.Keys)
        {
            if (!await _registers.ReadAsync(last, key)) { return $"the last read of {key} failed"; }
        }

        return null;
    }

    // Half of our own clients know one server only: cut off with it, they must not be told what is old.
    private IEnumerable<Task> StartClients(FaultCluster cluster, Random random, CancellationToken stop)
    {
        Uri[] all = [.. cluster.Endpoints];
        for (int i = 0; i < all.Length; i++)
        {
            Uri one = all[i];
            yield return Client(own => new GrpcStoreClient([one], CallPatience), _registers.StepAsync, MeanPause);
            yield return Client(own => new GrpcStoreClient(Shuffled(all, own), CallPatience), _registers.StepAsync, MeanPause);
            yield return Client(own => new GrpcStoreClient(own.Next(2) == 0 ? [one] : Shuffled(all, own), CallPatience), _store.StepAsync, MeanPause);
        }

        if (!_options.WithOtherClients) { yield break; }
        if (PythonStoreClient.Unavailable is null)
        {
            yield return Client(own => new PythonStoreClient(all[own.Next(all.Length)]), _registers.StepAsync, MeanPauseOfPrograms / 10);
        }

        if (EtcdctlStoreClient.Unavailable is null)
        {
            yield return Client(own => new EtcdctlStoreClient(Shuffled(all, own)), _registers.StepAsync, MeanPauseOfPrograms);
        }

        Task Client(Func<Random, IStoreClient> connect, Func<RecordedClient, Random, Task> step, TimeSpan pause)
        {
            var own = new Random(random.Next());
            Func<IStoreClient, IStoreClient> wrap = _options.Plant?.Wrap ?? (client => client);
            return Task.Run(() => RunClientAsync(() => wrap(connect(own)), step, own, pause, stop), CancellationToken.None);
        }
    }

    private async Task RunClientAsync(
        Func<IStoreClient> connect, Func<RecordedClient, Random, Task> step, Random random, TimeSpan pause, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var client = new RecordedClient(connect(), _journal);
            while (!client.IsUsedUp && !stop.IsCancellationRequested)
            {
                await step(client, random);
                await Task.Delay(pause * 2 * random.NextDouble(), CancellationToken.None);
            }
        }
    }

    private static async Task RepeatAsync(RealFault fault, FaultScene scene)
    {
        while (!scene.Stop.IsCancellationRequested) { await fault.RunAsync(scene); }
    }

    // Each until it has struck twice, and until clients are answered again.
    private async Task RunInTurnAsync(FaultScene[] scenes)
    {
        foreach ((RealFault fault, FaultScene scene) in _options.Faults.Zip(scenes))
        {
            int before = _journal.Acknowledged;
            for (int i = 0; i < MostTriesInSequence && _journal.Strikes.CountOf(fault.Row) < StrikesInSequence; i++)
            {
                await fault.RunAsync(scene with { Pace = PaceInSequence });
            }

            for (var watch = Stopwatch.StartNew(); _journal.Acknowledged < before + LeastAnswersPerFault; await Task.Delay(20))
            {
                if (watch.Elapsed < Liveness.Bound) { continue; }
                throw new LivenessException($"{fault}: {_journal.Acknowledged - before} answers in {watch.Elapsed.TotalSeconds:F0} s after it");
            }

            if (_journal.Strikes.CountOf(fault.Row) == 0) { _idle ??= $"{fault} had no effect that anybody saw"; }
        }

        if (_options.Plant?.RunAsync is { } plant) { await plant(scenes[0]); }
    }

    // One fault after another waits for answers after each, however slow the machine is; a rate would fail where CI is busy.
    private string? Idle(int acknowledged, TimeSpan time)
    {
        int least = _options.Traffic is null ? LeastAnswersPerFault : Math.Max(LeastAnswersPerFault, (int)(LeastAnswersPerSecond * time.TotalSeconds));
        if (acknowledged < least) { return $"{acknowledged} answers in {time.TotalSeconds:F0} s of faults, and {least} is the least"; }
        return _journal.Strikes.Count().IsEmpty ? "no fault had an effect that anybody saw" : null;
    }

    // Small tables and segments, so that flushes, compactions and snapshots happen within seconds.
    private static string[] Settings(int seed)
    {
        var random = new Random(~seed);
        int[] sizes = [65_536 << random.Next(5), 65_536 << random.Next(5), random.Next(200, 5000)];
        string[] words = [.. sizes.Select(size => size.ToString(CultureInfo.InvariantCulture))];
        return ["--mem-table-bytes", words[0], "--wal-segment-bytes", words[1], "--snapshot-count", words[2]];
    }

    private static Uri[] Shuffled(Uri[] endpoints, Random random)
    {
        Uri[] order = [.. endpoints];
        random.Shuffle(order);
        return order;
    }

    private string? Judge(Recorder recorder)
    {
        using FileStream file = File.OpenRead(recorder.Path);
        Verdict verdict = Models.Find(recorder.Model)!.Check(HistoryReader.Read(file), new CheckOptions { Threads = Environment.ProcessorCount });
        if (!verdict.IsLegal) { return $"{recorder.Model}: {verdict.Explanation}"; }
        _passed.Add(recorder.Model);
        return null;
    }

    private FaultRoundResult Result(string? problem)
    {
        Recorder store = _journal.Store;
        var duration = TimeSpan.FromMicroseconds(_journal.Clock.Micros);
        int acknowledged = _journal.Acknowledged;
        ImmutableSortedDictionary<string, int> struck = _journal.Strikes.Count();
        string verdict = problem is not null ? $"FAILED, histories and logs are in {_directory}"
            : _idle is not null ? $"PROVES NOTHING: {_idle}"
            : $"legal ({string.Join(", ", _passed)})";
        return new FaultRoundResult
        {
            Problem = problem,
            Checkers = [.. _passed],
            Acknowledged = acknowledged,
            Struck = struck,
            ProvesNothing = _idle,
            Duration = duration,
            Line = string.Create(
                CultureInfo.InvariantCulture,
                $"seed {_options.Seed}: {string.Join(" + ", _options.Faults)}; {_options.Nodes} nodes, {duration.TotalSeconds:F0} s, {acknowledged} ok, {store.Count(HistoryEventType.Info)} unknown, {store.Count(HistoryEventType.Fail)} failed; struck: {string.Join(", ", struck.Select(row => $"{row.Key} {row.Value}"))}: {verdict}"),
        };
    }
}
