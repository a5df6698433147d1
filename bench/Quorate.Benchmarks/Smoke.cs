using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Quorate.Benchmarks;

/// <summary>Runs every benchmark once, so that none rots. Judges no time.</summary>
internal static class Smoke
{
    /// <summary>Runs all of them and tells in one line how it went.</summary>
    /// <returns>0 if all ran, and there were any.</returns>
    public static async Task<int> RunAsync()
    {
        var log = new AccumulationLogger();
        IConfig config = ManualConfig.CreateEmpty()
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "quorate-benchmarks"))
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(log)
            .WithOptions(ConfigOptions.DisableOptimizationsValidator) // CI builds Debug, and nothing is measured.
            .AddJob(Job.Dry.WithToolchain(InProcessEmitToolchain.Instance));
        Summary[] summaries = BenchmarkRunner.Run(typeof(Smoke).Assembly, config);
        int ran = summaries.Sum(static s => s.Reports.Count(static r => r.Success));
        int failed = summaries.Sum(static s => s.BenchmarksCases.Length) - ran + summaries.Count(static s => s.HasCriticalValidationErrors);

        // Of the door only that it answers: the figure of so few requests says nothing.
        int doors = (await DoorAllocations.MeasureAsync(requests: 100)).Count;
        bool isWell = failed == 0 && ran > 0 && doors > 0;
        if (!isWell) { await Console.Error.WriteLineAsync(log.GetLog()); }
        Console.WriteLine($"{ran} benchmarks ran, {failed} failed; {doors} operations went from door to door");
        return isWell ? 0 : 1;
    }
}
