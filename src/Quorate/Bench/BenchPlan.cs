using System.Net.Security;
using Quorate.Cli;

namespace Quorate.Bench;

/// <summary>What the load does.</summary>
internal enum BenchOperation
{
    /// <summary>Writes a key.</summary>
    Put,

    /// <summary>Reads a key.</summary>
    Get,
}

/// <summary>One load against one cluster.</summary>
internal sealed record BenchPlan
{
    /// <summary>What is done.</summary>
    public required BenchOperation Operation { get; init; }

    /// <summary>Connections are spread over these in turn.</summary>
    public required Uri[] Endpoints { get; init; }

    /// <summary>Certificates and trust for https endpoints; null: the machine's store of authorities.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Requests in flight at once, at most.</summary>
    public int Clients { get; init; } = 1;

    /// <summary>TCP connections, a thread each; clients are spread over them.</summary>
    public int Connections { get; init; } = 1;

    /// <summary>Bytes of a key.</summary>
    public int KeyBytes { get; init; } = 16;

    /// <summary>Bytes of a value.</summary>
    public int ValueBytes { get; init; } = 256;

    /// <summary>Different keys, drawn uniformly.</summary>
    public int Keys { get; init; } = 10_000;

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

    /// <summary>Writes every key once before the load, so that reads find them.</summary>
    public bool Fill { get; init; }

    /// <summary>Says what is wrong, in the operator's words.</summary>
    public IEnumerable<string> Problems()
    {
        if (Clients is < 1 or > 10_000) { yield return $"--clients is {Clients}; it must be 1 to 10000."; }
        if (Connections < 1 || Connections > Clients) { yield return $"--connections is {Connections}; it must be 1 to --clients, {Clients}."; }
        if (KeyBytes is < 1 or > 1024) { yield return $"--key-size is {KeyBytes}; it must be 1 to 1024 bytes."; }

        // One request must fit into the window that a server opens for a stream before it has read anything.
        if (ValueBytes is < 0 or > 60_000) { yield return $"--value-size is {ValueBytes}; it must be 0 to 60000 bytes."; }
        if (Keys is < 1 or > 100_000_000) { yield return $"--keys is {Keys}; it must be 1 to 100000000."; }
        if (KeyBytes < 9 && Math.Pow(10, KeyBytes) < Keys) { yield return $"--keys is {Keys}, which {KeyBytes} digits (--key-size) cannot tell apart."; }
        if (Total < 0) { yield return $"--total is {Total}; the least is 0, which means --seconds decides."; }
        if (!(Seconds is > 0 and <= 86_400)) { yield return $"--seconds is {Seconds}; it must be more than 0 and at most 86400."; }
        if (!(WarmUpSeconds is >= 0 and <= 3600)) { yield return $"--warm-up is {WarmUpSeconds}; it must be 0 to 3600 seconds."; }
        if (!(Rate is >= 0 and <= 10_000_000)) { yield return $"--rate is {Rate}; it must be 0 to 10000000 a second."; }
    }
}

/// <summary>What a load measured.</summary>
/// <param name="Latency">Nanoseconds from the (intended) start to the answer; successful requests only.</param>
/// <param name="Errors">How many of each kind.</param>
/// <param name="Seconds">From the start of measuring to the last answer.</param>
internal sealed record BenchResult(Histogram Latency, SortedDictionary<string, long> Errors, double Seconds)
{
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
    public const string NoAnswer = "no answer in time";
}
