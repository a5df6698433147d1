namespace Quorate.Bench.Engine;

/// <summary>What one workload did.</summary>
/// <param name="Workload">Its name.</param>
/// <param name="Seconds">From the start of its threads to the end of the last.</param>
/// <param name="Latency">Nanoseconds of each operation.</param>
internal sealed record EngineBenchResult(string Workload, double Seconds, Histogram Latency)
{
    /// <summary>Bytes of keys and values written, or read.</summary>
    public long Bytes { get; init; }

    /// <summary>Reads that found their key; null for writes.</summary>
    public long? Found { get; init; }

    /// <summary>Bytes of keys and values written, those of a writer beside the readers too.</summary>
    public long UserBytesWritten { get; init; }

    /// <summary>Bytes written to table files and manifests meanwhile: flushes and compactions, of what was written before too.</summary>
    public long EngineBytesWritten { get; init; }

    /// <summary>Bytes written to the log meanwhile.</summary>
    public long LogBytesWritten { get; init; }

    /// <summary>How long writers waited for flushes and compactions.</summary>
    public double StallSeconds { get; init; }

    /// <summary>Bytes of table files at the end.</summary>
    public long DiskBytes { get; init; }

    /// <summary>Operations per second of all threads together.</summary>
    public double PerSecond => Latency.Count / Math.Max(Seconds, 1e-9);

    /// <summary>Bytes of keys and values per second, in units of 1,048,576.</summary>
    public double MegabytesPerSecond => Bytes / Math.Max(Seconds, 1e-9) / (1024 * 1024);

    /// <summary>Bytes written to tables for each byte that was to be written; null if nothing was. As db_bench's W-Amp, without the log.</summary>
    public double? WriteAmplification => UserBytesWritten == 0 ? null : (double)EngineBytesWritten / UserBytesWritten;

    /// <summary>The same for the log.</summary>
    public double? LogAmplification => UserBytesWritten == 0 ? null : (double)LogBytesWritten / UserBytesWritten;

    /// <summary>Microseconds that a share of all operations did not exceed.</summary>
    public double Micros(double share) => Latency.Percentile(share) / 1000.0;

    /// <summary>Microseconds of the mean operation.</summary>
    public double MeanMicros => Latency.Count == 0 ? 0 : Latency.Sum / Latency.Count / 1000;
}
