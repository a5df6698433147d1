using System.Net.Sockets;
using Quorate.Cli;

namespace Quorate.Bench;

/// <summary>Runs a plan: a thread per connection.</summary>
internal static class BenchRunner
{
    // After the last start an answer may take as long as etcd's own request timeout.
    private const long GraceNanoseconds = 8_000_000_000;

    /// <summary>Runs the plan to its end.</summary>
    /// <exception cref="CliException">No connection could be made, or the keys could not be written.</exception>
    public static BenchResult Run(BenchPlan plan, BenchProgress progress)
    {
        if (plan.Workload.IsAboutLeases) { plan = plan with { NumberBase = FreshLeases() }; }
        if (plan.Fill) { ForEachKey(plan.Workload.Prepare!, plan, progress); }
        var space = new KeySpace(Math.Max((uint)plan.Keys, plan.InsertFrom));
        Zipfian? zipfian = plan.Distribution is KeyDistribution.Zipfian or KeyDistribution.Latest ? new Zipfian(plan.Keys) : null;
        long begin = BenchClock.Now() + 1_000_000; // All threads are there by then.
        MeasuredLoad[] loads = [.. Enumerable.Range(0, plan.Connections).Select(c => new MeasuredLoad(plan, space, zipfian, c, begin))];
        using (progress.Watch(plan, () => loads.Sum(l => l.Count)))
        {
            OnThreads(plan, connection => RunConnection(plan, connection, loads[connection]));
        }

        BenchPart[] parts = [.. plan.Workload.Parts.Select((p, i) => new BenchPart(p.Kind.Name, Histogram.Of(loads.Select(l => l.Latencies[i]))))];
        SortedDictionary<string, long> errors = Sum(loads.Select(l => l.Errors));
        if (plan.Workload.ClearAway is { } clear)
        {
            try
            {
                ForEachKey(clear, plan, progress);
            }
            catch (CliException e)
            {
                errors[$"{BenchErrors.NotClearedAway}: {e.Message}"] = 1;
            }
        }

        double seconds = (loads.Max(l => l.LastDone) - begin) / 1e9 - plan.WarmUpSeconds;
        return new BenchResult(parts, errors, Math.Max(0, seconds)) { Misses = Sum(loads.Select(l => l.Misses)), NextKey = space.Next };
    }

    /// <summary>Lanes of a connection: clients are spread evenly.</summary>
    public static int LanesOf(BenchPlan plan, int connection) =>
        plan.Clients / plan.Connections + (connection < plan.Clients % plan.Connections ? 1 : 0);

    private static SortedDictionary<string, long> Sum(IEnumerable<SortedDictionary<string, long>> all)
    {
        var sum = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach ((string kind, long count) in all.SelectMany(one => one)) { sum[kind] = sum.GetValueOrDefault(kind) + count; }
        return sum;
    }

    // No other run has the same ones: the millisecond, then room for as many as there may be.
    private static long FreshLeases() => RequestTemplate.LeastNumber << 4 | (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() & uint.MaxValue) << 27;

    private static void RunConnection(BenchPlan plan, int connection, MeasuredLoad load)
    {
        long stopAt = plan.Total > 0 ? long.MaxValue : load.End + GraceNanoseconds;
        while (true)
        {
            try
            {
                using var link = Connect(plan, connection);
                if (link.Run(load, stopAt)) { break; }
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                load.Failed(BenchClock.Now(), $"{BenchErrors.CannotConnect}: {e.Message}");
                if (plan.Total > 0) { break; } // Nothing else would end it.
            }

            if (BenchClock.Now() >= stopAt || !load.TryPeek(BenchClock.Now(), out _)) { break; }
            Thread.Sleep(100); // A server that restarts is tried ten times a second.
        }

        load.CountNotStarted(BenchClock.Now());
    }

    private static void ForEachKey(RequestKind kind, BenchPlan plan, BenchProgress progress)
    {
        // One client would take minutes for what 64 do in a second.
        BenchPlan wide = plan with { Clients = Math.Max(plan.Clients, 64) };
        EachKeyLoad[] loads = [.. Enumerable.Range(0, wide.Connections).Select(c => new EachKeyLoad(kind, wide, c, wide.Connections))];
        using IDisposable shown = progress.Watch(kind.Name, plan.Keys, () => loads.Sum(l => l.Count));
        OnThreads(wide, connection =>
        {
            EachKeyLoad load = loads[connection];
            try
            {
                using BenchConnection link = Connect(wide, connection);
                if (!link.Run(load, long.MaxValue) && load.Failure is null) { throw new IOException("the server closed the connection"); }
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                throw new CliException(ExitCode.CannotConnect, $"{EndpointOf(wide, connection)}: {e.Message}", e);
            }

            if (load.Failure is { } failure)
            {
                throw new CliException(ExitCode.Failed, $"{EndpointOf(wide, connection)}: a {kind.Name} before or after the load failed: {failure}");
            }
        });
    }

    private static BenchConnection Connect(BenchPlan plan, int connection) =>
        new(EndpointOf(plan, connection), LanesOf(plan, connection), plan.Tls, plan.Metadata, plan.Turns);

    private static Uri EndpointOf(BenchPlan plan, int connection) => plan.Endpoints[connection % plan.Endpoints.Length];

    private static void OnThreads(BenchPlan plan, Action<int> run)
    {
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, plan.Connections).Select(connection => new Thread(() =>
        {
            try
            {
                run(connection);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        })
        { Name = $"bench-{connection}", IsBackground = true })];
        foreach (Thread thread in threads) { thread.Start(); }
        foreach (Thread thread in threads) { thread.Join(); }
        if (failure is CliException known) { throw known; }
        if (failure is not null) { throw new CliException(ExitCode.Failed, failure.ToString(), failure); }
    }
}
