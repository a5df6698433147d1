using System.Diagnostics;
using Quorate.Cli;
using Quorate.Core;
using Quorate.Node.Files;

namespace Quorate.Bench.Engine;

/// <summary>Runs the workloads of a plan one after another, on the same data.</summary>
internal static class EngineBenchRunner
{
    // What tells a directory of ours from one with somebody's data, which a fill must not delete.
    private const string MarkFile = "quorate-bench-engine";
    private const string DataDirectory = "data";

    /// <summary>Runs the plan.</summary>
    /// <param name="plan">Without problems.</param>
    /// <param name="done">Takes the result of each measured workload as soon as there is one.</param>
    /// <exception cref="IOException">The disk refused, or another process measures in that directory.</exception>
    /// <exception cref="CliException">The directory holds somebody else's files. Nothing was touched.</exception>
    public static void Run(EngineBenchPlan plan, Action<EngineBenchResult> done)
    {
        string root = plan.Directory ?? Directory.CreateTempSubdirectory("quorate-bench-").FullName;
        try
        {
            Claim(root);
            using DataDirectoryLock held = DataDirectoryLock.Take(root);
            RunIn(Path.Combine(root, DataDirectory), plan, done);
        }
        finally
        {
            if (plan.Directory is null) { Directory.Delete(root, recursive: true); }
        }
    }

    private static void Claim(string root)
    {
        Directory.CreateDirectory(root);
        string mark = Path.Combine(root, MarkFile);
        if (File.Exists(mark)) { return; }
        if (Directory.EnumerateFileSystemEntries(root).Any())
        {
            throw new CliException(
                ExitCode.Precondition, $"{root} is not empty and was not made by this command; name an empty or new directory. Nothing was touched.");
        }

        File.WriteAllText(mark, "Data of 'quorate bench engine'; may be deleted.\n");
    }

    private static void RunIn(string directory, EngineBenchPlan plan, Action<EngineBenchResult> done)
    {
        EngineStore? store = null;
        try
        {
            foreach (EngineWorkload workload in plan.Workloads)
            {
                if (workload.StartsEmpty)
                {
                    store?.Dispose();
                    store = null;
                    if (Directory.Exists(directory)) { Directory.Delete(directory, recursive: true); }
                }

                store ??= new EngineStore(new RealFileSystem(directory), plan);
                switch (workload.Work)
                {
                    case EngineWork.Compact: store.Compact(); break;
                    case EngineWork.Wait: store.WaitForJobs(); break;
                    default: done(Measure(store, workload, plan)); break;
                }
            }
        }
        finally
        {
            store?.Dispose();
        }
    }

    private static EngineBenchResult Measure(EngineStore store, EngineWorkload workload, EngineBenchPlan plan)
    {
        var seeds = new Prng(plan.Seed).Split((ulong)plan.Workloads.ToList().IndexOf(workload));
        EngineWorker[] workers = [.. Enumerable.Range(0, plan.Threads).Select(i => new EngineWorker(store, plan, workload.Work, seeds.Split((ulong)i)))];
        EngineWorker? writer = workload.HasWriter
            ? new EngineWorker(store, plan, EngineWork.WriteRandom, seeds.Split((ulong)plan.Threads)) { RunsUntilStopped = true }
            : null;
        (long engineBefore, long logBefore, TimeSpan stalledBefore) = (store.EngineBytesWritten, store.LogBytesWritten, store.Stalled);
        long begin = Stopwatch.GetTimestamp();
        Thread[] threads = [.. workers.Select(static worker => Begin(worker.Run))];
        Thread? writing = writer is null ? null : Begin(writer.Run);
        foreach (Thread thread in threads) { thread.Join(); }
        TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
        writer?.Stop();
        writing?.Join();
        if (workers.Append(writer).FirstOrDefault(static worker => worker?.Failure is not null) is { Failure: { } failure })
        {
            throw new IOException($"{workload.Name}: {failure.Message}", failure);
        }

        var latency = new Histogram();
        foreach (EngineWorker worker in workers) { latency.Add(worker.Latency); }
        return new EngineBenchResult(workload.Name, elapsed.TotalSeconds, latency)
        {
            Bytes = workers.Sum(static worker => worker.Bytes),
            Found = workload.Work is EngineWork.Read or EngineWork.Seek ? workers.Sum(static worker => worker.Found) : null,
            UserBytesWritten = workers.Append(writer).Sum(static worker => worker?.BytesWritten ?? 0),
            EngineBytesWritten = store.EngineBytesWritten - engineBefore,
            LogBytesWritten = store.LogBytesWritten - logBefore,
            StallSeconds = (store.Stalled - stalledBefore).TotalSeconds,
            DiskBytes = store.DiskBytes,
        };
    }

    private static Thread Begin(ThreadStart run)
    {
        var thread = new Thread(run) { IsBackground = true, Name = "quorate-bench" };
        thread.Start();
        return thread;
    }
}
