using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Quorate.Benchmarks;

// Measures hot parts alone. In this process: BenchmarkDotNet would otherwise build a project of its own for each benchmark.
//   dotnet run -c Release --project bench/Quorate.Benchmarks -- --filter '*MemTable*'    BenchmarkDotNet's own options
//   dotnet run -c Release --project bench/Quorate.Benchmarks -- allocations              bytes allocated per put and get, door to door
//   dotnet run --project bench/Quorate.Benchmarks -- smoke                               everything once, as CI does: says what is broken
switch (args)
{
    case ["smoke"]: return await Smoke.RunAsync();
    case ["allocations"]:
        foreach (DoorAllocations found in await DoorAllocations.MeasureAsync(requests: 200_000))
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{found.Operation,-20} {found.BytesPerRequest,10:#,0} bytes per request, {found.Collections} collections"));
        }

        return 0;
    default:
        IConfig config = ManualConfig.Create(DefaultConfig.Instance)
            .WithArtifactsPath("artifacts/benchmarks")
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default);
        return BenchmarkSwitcher.FromAssembly(typeof(Smoke).Assembly).Run(args, config).Any(s => s.HasCriticalValidationErrors) ? 1 : 0;
}
