using System.Net.Security;
using Quorate.Cli;

namespace Quorate.Bench;

/// <summary>One load against one cluster.</summary>
internal sealed record BenchPlan
{
    /// <summary>What is done.</summary>
    public required BenchWorkload Workload { get; init; }

    /// <summary>Connections are spread over these in turn.</summary>
    public required Uri[] Endpoints { get; init; }

    /// <summary>Certificates and trust for https endpoints; null: the machine's store of authorities.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Headers of every request: the keyspace, a token.</summary>
    public (string Name, string Value)[] Metadata { get; init; } = [];

    /// <summary>Headers that requests have in turn, one each: keyspaces; none: no such header.</summary>
    public (string Name, string Value)[] Turns { get; init; } = [];

    /// <summary>Requests in flight at once, at most.</summary>
    public int Clients { get; init; } = 1;

    /// <summary>TCP connections, a thread each; clients are spread over them.</summary>
    public int Connections { get; init; } = 1;

    /// <summary>Bytes of a key.</summary>
    public int KeyBytes { get; init; } = 16;

    /// <summary>Bytes of a value.</summary>
    public int ValueBytes { get; init; } = 256;

    /// <summary>Different keys, or leases.</summary>
    public int Keys { get; init; } = 10_000;

    /// <summary>How they are drawn.</summary>
    public KeyDistribution Distribution { get; init; }

    /// <summary>Keys of a range.</summary>
    public int RangeSize { get; init; } = 10;

    /// <summary>Keys that the answer to a range has at most; 0: all.</summary>
    public int Limit { get; init; }

    /// <summary>Keys of the longest scan: YCSB's.</summary>
    public int MostScanned { get; init; } = 100;

    /// <summary>Watches of all streams together; 0: the load has none.</summary>
    public int Watchers { get; init; }

    /// <summary>Streams that the watches are spread over.</summary>
    public int Streams { get; init; }

    /// <summary>The first key that an insert adds is this one or the one behind <see cref="Keys"/>, whichever is later.</summary>
    public uint InsertFrom { get; init; }

    /// <summary>The lease of key 0; a run's own.</summary>
    public long NumberBase { get; init; } = RequestTemplate.LeastNumber;

    /// <summary>Seconds that a lease lives without a renewal: longer than the load, as not all are drawn in time.</summary>
    public long LeaseSeconds => 60 + (long)WarmUpSeconds + (Total > 0 ? 3600 : (long)Seconds);

    /// <summary>Measured requests; 0: as many as fit into the time.</summary>
    public long Total { get; init; }

    /// <summary>Measured seconds, if <see cref="Total"/> is 0.</summary>
    public double Seconds { get; init; } = 10;

    /// <summary>Seconds of load before measuring.</summary>
    public double WarmUpSeconds { get; init; } = 2;

    /// <summary>Requests per second to start, whether or not earlier ones have answered; 0: each client waits for its answer.</summary>
    public double Rate { get; init; }

    /// <summary>Reads may be stale.</summary>
    public bool Serializable { get; init; }

    /// <summary>Seed of the keys drawn.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Sends what the workload needs first for every key, so that reads find them.</summary>
    public bool Fill { get; init; }

    /// <summary>All keys are known to exist: an answer that shows otherwise is an error.</summary>
    public bool KeysExist { get; init; }

    /// <summary>Says what is wrong, in the operator's words.</summary>
    public IEnumerable<string> Problems()
    {
        if (Clients is < 1 or > 10_000) { yield return $"--clients is {Clients}; it must be 1 to 10000."; }
        if (Workload == BenchWorkload.Watch)
        {
            if (Watchers is < 1 or > 100_000) { yield return $"--watchers is {Watchers}; it must be 1 to 100000."; }
            if (Streams < 1 || Streams > Watchers) { yield return $"--streams is {Streams}; it must be 1 to --watchers, {Watchers}."; }
            if (Connections < 1 || Connections > Math.Min(Streams, 256)) { yield return $"--connections is {Connections}; it must be 1 to --streams, {Streams}, and at most 256."; }
            if (Keys > Watchers) { yield return $"--keys is {Keys}, more than --watchers, {Watchers}: nobody would watch some of them."; }
            if (ValueBytes < WatchLoad.StampBytes) { yield return $"--value-size is {ValueBytes}; a watched value needs {WatchLoad.StampBytes} bytes at least."; }
        }
        else if (Connections < 1 || Connections > Clients) { yield return $"--connections is {Connections}; it must be 1 to --clients, {Clients}."; }
        if (KeyBytes is < 1 or > 1024) { yield return $"--key-size is {KeyBytes}; it must be 1 to 1024 bytes."; }

        // One request must fit into the window that a server opens for a stream before it has read anything.
        if (ValueBytes is < 0 or > 60_000) { yield return $"--value-size is {ValueBytes}; it must be 0 to 60000 bytes."; }
        if (Keys is < 1 or > 100_000_000) { yield return $"--keys is {Keys}; it must be 1 to 100000000."; }
        if (KeyBytes < 9 && Math.Pow(10, KeyBytes) < Keys) { yield return $"--keys is {Keys}, which {KeyBytes} digits (--key-size) cannot tell apart."; }
        if (KeyBytes < 10 && Workload.Inserts) { yield return $"--key-size is {KeyBytes}; a load that inserts keys needs 10 bytes at least."; }
        if (Turns.Length > 0 && Metadata.Any(m => m.Name == Turns[0].Name)) { yield return "--keyspaces and --keyspace contradict each other; give one of them."; }
        if (RangeSize is < 1 or > 100_000) { yield return $"--range-size is {RangeSize}; it must be 1 to 100000 keys."; }
        if (Limit < 0) { yield return $"--limit is {Limit}; the least is 0, which means all."; }
        if (Total < 0) { yield return $"--total is {Total}; the least is 0, which means --seconds decides."; }
        if (!(Seconds is > 0 and <= 86_400)) { yield return $"--seconds is {Seconds}; it must be more than 0 and at most 86400."; }
        if (!(WarmUpSeconds is >= 0 and <= 3600)) { yield return $"--warm-up is {WarmUpSeconds}; it must be 0 to 3600 seconds."; }
        if (!(Rate is >= 0 and <= 10_000_000)) { yield return $"--rate is {Rate}; it must be 0 to 10000000 a second."; }
    }
}

/// <summary>What one kind of request took.</summary>
/// <param name="Name">In reports.</param>
/// <param name="Latency">Nanoseconds from the (intended) start to the answer; successful requests only.</param>
internal sealed record BenchPart(string Name, Histogram Latency);

/// <summary>What a load measured.</summary>
/// <param name="Parts">Each kind of request.</param>
/// <param name="Errors">How many of each kind.</param>
/// <param name="Seconds">From the start of measuring to the last answer.</param>
internal sealed record BenchResult(BenchPart[] Parts, SortedDictionary<string, long> Errors, double Seconds)
{
    /// <summary>What counts: all parts together, unless the load says otherwise.</summary>
    public Histogram Latency { get; init; } = Histogram.Of(Parts.Select(p => p.Latency));

    /// <summary>Good answers that show that a key was not there, of a load that need not find any.</summary>
    public SortedDictionary<string, long> Misses { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The first key that was not inserted yet.</summary>
    public uint NextKey { get; init; }

    /// <summary>Successful requests per second.</summary>
    public double Throughput => Seconds > 0 ? Latency.Count / Seconds : 0;

    /// <summary>Requests that failed.</summary>
    public long ErrorCount => Errors.Values.Sum();

    /// <summary>A percentile in milliseconds.</summary>
    public double Milliseconds(double share) => Latency.Percentile(share) / 1e6;

    /// <summary>What the process returns: a load without one success shows nothing.</summary>
    public ExitCode Code => Latency.Count > 0 ? ExitCode.Ok
        : Errors.Keys.All(k => k.StartsWith(BenchErrors.CannotConnect, StringComparison.Ordinal)) ? ExitCode.CannotConnect
        : ExitCode.Failed;
}

/// <summary>Names of errors in reports.</summary>
internal static class BenchErrors
{
    public const string CannotConnect = "cannot connect";
    public const string ConnectionLost = "connection lost";
    public const string NotStarted = "not started in time";
    public const string NotClearedAway = "not cleared away";
    public const string NoAnswer = "no answer in time";
}
