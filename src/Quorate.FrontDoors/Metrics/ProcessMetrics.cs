using System.Diagnostics;
using System.Globalization;
using Quorate.Node.Files;

namespace Quorate.FrontDoors.Metrics;

/// <summary>What every exporter tells of its process, under the names that Prometheus' client libraries share; and of .NET.</summary>
internal static class ProcessMetrics
{
    /// <summary>Adds them to a page.</summary>
    public static void Write(MetricsText page)
    {
        using var process = Process.GetCurrentProcess();
        page.One("process_cpu_seconds_total", "counter", "User and system CPU time spent in seconds.", process.TotalProcessorTime.TotalSeconds);
        page.One("process_resident_memory_bytes", "gauge", "Resident memory in bytes.", process.WorkingSet64);
        page.One("process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.", process.VirtualMemorySize64);
        page.One(
            "process_start_time_seconds", "gauge", "Start of the process, in seconds since 1970.",
            (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds);
        (long open, long most) = OpenFiles.Count();
        if (open >= 0)
        {
            page.One("process_open_fds", "gauge", "Open file descriptors.", open);
            page.One("os_fd_used", "gauge", "The number of used file descriptors.", open);
        }

        if (most >= 0)
        {
            page.One("process_max_fds", "gauge", "Most file descriptors that may be open.", most);
            page.One("os_fd_limit", "gauge", "The file descriptor limit.", most);
        }

        page.One("dotnet_total_memory_bytes", "gauge", "Bytes allocated in the managed heap.", GC.GetTotalMemory(forceFullCollection: false));
        page.Begin("dotnet_collection_count_total", "counter", "Garbage collections, by generation.");
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            page.Sample(
                "dotnet_collection_count_total", GC.CollectionCount(generation),
                ("generation", generation.ToString(CultureInfo.InvariantCulture)));
        }

        page.One("dotnet_gc_pause_seconds_total", "counter", "Time that garbage collections stopped the process.", GC.GetTotalPauseDuration().TotalSeconds);
    }
}
