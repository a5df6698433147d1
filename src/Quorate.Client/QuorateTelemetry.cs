using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Quorate.Client;

/// <summary>What this client tells: <c>AddSource(QuorateTelemetry.Name)</c> and <c>AddMeter(QuorateTelemetry.Name)</c> in OpenTelemetry.</summary>
public static class QuorateTelemetry
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "Quorate.Client";

    internal static readonly ActivitySource Activities = new(Name);

    private static readonly Meter Meter = new(Name);

    internal static readonly Histogram<double> CallDuration = Meter.CreateHistogram<double>(
        "quorate.client.call.duration", "s", "Time of a call with all its attempts; quorate.result is ok, failed, unknown or canceled.");

    internal static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "quorate.client.retries", "{attempt}", "Attempts after the first.");

    internal static readonly Counter<long> WatchReconnects = Meter.CreateCounter<long>(
        "quorate.client.watch.reconnects", "{stream}", "Watches that were resumed on another stream.");

    internal static readonly Histogram<long> WatchLag = Meter.CreateHistogram<long>(
        "quorate.client.watch.lag", "{revision}", "Revisions that the store was ahead of the events when they were sent.");

    internal static readonly Counter<long> LeasesLost = Meter.CreateCounter<long>(
        "quorate.client.leases.lost", "{lease}", "Leases that could not be renewed in time.");
}
