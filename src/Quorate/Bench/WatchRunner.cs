using System.Net.Sockets;
using Quorate.Cli;
using Quorate.Core;

namespace Quorate.Bench;

/// <summary>Watch fan-out: many watches, a few puts, and how soon and how often each watch is told. One thread serves all connections.</summary>
internal static class WatchRunner
{
    private const long Second = 1_000_000_000;
    private const long GraceNanoseconds = 8 * Second; // As for any answer: etcd's own request timeout.
    private const long LookNanoseconds = Second / 10;

    /// <summary>Creates the watches, runs the puts, waits for the last events.</summary>
    /// <exception cref="CliException">A connection could not be made, or watches could not be created.</exception>
    public static BenchResult Run(BenchPlan plan, BenchProgress progress)
    {
        var load = new WatchLoad(plan);
        using var links = new BenchConnections();

        // The first is for the puts, at the endpoint that is named first.
        links.Add(Connect(plan, plan.Endpoints[0], plan.Clients));
        for (int c = 0; c < plan.Connections; c++) { links.Add(Connect(plan, plan.Endpoints[c % plan.Endpoints.Length], 1)); }
        Subscribe(plan, links, load);

        long begin = BenchClock.Now();
        load.Begin(begin);
        long stopAt = plan.Total > 0 ? long.MaxValue : load.End + GraceNanoseconds;
        using (progress.Watch(plan, () => load.Count))
        {
            for (long now = begin; !load.IsBroken && now < stopAt && (load.TryPeek(now, out _) || load.IsWaiting); now = BenchClock.Now())
            {
                Turn(links, load, now);
            }
        }

        load.CountMissing(BenchClock.Now());
        double seconds = (load.LastEvent - begin) / 1e9 - plan.WarmUpSeconds;
        return new BenchResult([new("event", load.Delays), new("put", load.Puts)], load.Errors, Math.Max(0, seconds)) { Latency = load.Delays };
    }

    private static void Subscribe(BenchPlan plan, BenchConnections links, WatchLoad load)
    {
        var template = new RequestTemplate(RequestKinds.Watch.Build, plan, new Prng(plan.Seed));
        long until = BenchClock.Now() + 30 * Second;
        var streams = new (BenchConnection Link, int Id, WatchStream Sink)[plan.Streams];
        for (int s = 0; s < streams.Length; s++)
        {
            var sink = new WatchStream(load, plan.Watchers / plan.Streams + (s < plan.Watchers % plan.Streams ? 1 : 0));
            BenchConnection link = links[1 + s % plan.Connections];
            streams[s] = (link, link.OpenStream(RequestKinds.Watch.Path, sink), sink);
        }

        for (int watcher = 0; watcher < plan.Watchers; watcher++)
        {
            uint key = (uint)(watcher % plan.Keys);
            (BenchConnection link, int id, _) = streams[watcher % streams.Length];
            while (!link.TrySend(id, template.For(key, key))) { WaitForWatches(); }
        }

        while (streams.Sum(s => s.Sink.Created) < plan.Watchers) { WaitForWatches(); }

        void WaitForWatches()
        {
            long now = BenchClock.Now();
            Turn(links, load, now);
            if (!load.IsBroken && now < until) { return; }
            string why = load.Errors.Count > 0 ? string.Join(", ", load.Errors.Keys) : "30 s have passed";
            throw new CliException(ExitCode.Failed, $"{streams.Sum(s => s.Sink.Created)} of {plan.Watchers} watches were created: {why}");
        }
    }

    private static void Turn(BenchConnections links, WatchLoad load, long now)
    {
        try
        {
            long next = links[0].Start(load, now);
            links.Exchange(load, Math.Min(next - now, LookNanoseconds));
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            load.Break($"{BenchErrors.ConnectionLost}: {e.Message}");
        }
    }

    private static BenchConnection Connect(BenchPlan plan, Uri endpoint, int lanes)
    {
        try
        {
            return new BenchConnection(endpoint, lanes, plan.Tls, plan.Metadata);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new CliException(ExitCode.CannotConnect, $"{endpoint}: {e.Message}", e);
        }
    }
}
