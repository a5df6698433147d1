using System.Net.Sockets;
using Quorate.Cli;

namespace Quorate.Bench;

/// <summary>Runs a plan: a thread per connection.</summary>
internal static class BenchRunner
{
    private const string PutPath = "/etcdserverpb.KV/Put";
    private const string RangePath = "/etcdserverpb.KV/Range";

    // After the last start an answer may take as long as etcd's own request timeout.
    private const long GraceNanoseconds = 8_000_000_000;

    /// <summary>Runs the plan to its end.</summary>
    /// <exception cref="CliException">No connection could be made, or the keys could not be written.</exception>
    public static BenchResult Run(BenchPlan plan)
    {
        if (plan.Fill) { Fill(plan); }
        long begin = BenchClock.Now() + 1_000_000; // All threads are there by then.
        var loads = new MeasuredLoad[plan.Connections];
        OnThreads(plan, connection => loads[connection] = RunConnection(plan, connection, begin));

        var latency = new Histogram();
        var errors = new SortedDictionary<string, long>(StringComparer.Ordinal);
        long last = 0;
        foreach (MeasuredLoad load in loads)
        {
            latency.Add(load.Latency);
            last = Math.Max(last, load.LastDone);
            foreach ((string kind, long count) in load.Errors) { errors[kind] = errors.GetValueOrDefault(kind) + count; }
        }

        double seconds = (last - begin) / 1e9 - plan.WarmUpSeconds;
        return new BenchResult(latency, errors, Math.Max(0, seconds));
    }

    /// <summary>Lanes of a connection: clients are spread evenly.</summary>
    public static int LanesOf(BenchPlan plan, int connection) =>
        plan.Clients / plan.Connections + (connection < plan.Clients % plan.Connections ? 1 : 0);

    private static MeasuredLoad RunConnection(BenchPlan plan, int connection, long begin)
    {
        var load = new MeasuredLoad(plan, connection, begin);
        string path = plan.Operation == BenchOperation.Put ? PutPath : RangePath;
        long stopAt = plan.Total > 0
            ? long.MaxValue
            : begin + (long)((plan.WarmUpSeconds + plan.Seconds) * 1e9) + GraceNanoseconds;
        while (true)
        {
            try
            {
                using var link = new BenchConnection(EndpointOf(plan, connection), path, LanesOf(plan, connection), plan.Tls);
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
        return load;
    }

    private static void Fill(BenchPlan plan)
    {
        // One client would take minutes for what 64 do in a second.
        BenchPlan wide = plan with { Clients = Math.Max(plan.Clients, 64) };
        OnThreads(wide, connection =>
        {
            var load = new FillLoad(wide, connection, wide.Connections);
            try
            {
                using var link = new BenchConnection(EndpointOf(wide, connection), PutPath, LanesOf(wide, connection), wide.Tls);
                if (!link.Run(load, long.MaxValue)) { throw new CliException(ExitCode.Failed, $"{link}: the connection broke while keys were written"); }
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                throw new CliException(ExitCode.CannotConnect, $"{EndpointOf(wide, connection)}: {e.Message}", e);
            }

            if (load.Failure is { } failure) { throw new CliException(ExitCode.Failed, $"keys could not be written: {failure}"); }
        });
    }

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
