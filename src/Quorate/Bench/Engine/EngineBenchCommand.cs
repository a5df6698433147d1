using System.CommandLine;
using Quorate.Cli;

namespace Quorate.Bench.Engine;

/// <summary><c>quorate bench engine</c>.</summary>
internal static class EngineBenchCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var workloads = new Argument<string>("workloads")
        {
            Description = $"One or more of {string.Join(", ", EngineWorkload.All.Select(static w => w.Name))}; by commas, one after another on the same data.",
        };
        var defaults = new EngineBenchPlan { Workloads = [] };
        var directory = new Option<string?>("--dir") { Description = "Where the data is kept. Default: a temporary directory, deleted at the end." };
        var sync = new Option<bool>("--sync") { Description = "A write waits until it is durable. Default: until the system has it." };
        var threads = Number("--threads", "Threads that each do the whole workload.", defaults.Threads);
        var num = Number("--num", "Different keys, and operations of each thread without --seconds.", defaults.Num);
        var keySize = Number("--key-size", "Bytes of a key.", defaults.KeyBytes);
        var valueSize = Number("--value-size", "Bytes of a value.", defaults.ValueBytes);
        var seconds = Number("--seconds", "Time of each workload but fillseq; 0: until --num operations are done.", defaults.Seconds);
        var seekNexts = Number("--seek-nexts", "Records that seekrandom reads after each seek.", defaults.SeekNexts);
        var cache = Number("--cache-bytes", "Bytes of the block cache.", defaults.CacheBytes);
        var memTable = Number("--mem-table-bytes", "Bytes at which a memtable is flushed.", defaults.MemTableBytes);
        Option<string> format = Common.Format();
        var verb = new Verb(
            "engine",
            "Measure the storage engine alone, in this process: its log, tables and compaction on real files. Workloads and options mean what they do in RocksDB's db_bench.",
            "quorate bench engine fillrandom,overwrite,readrandom,seekrandom --num 1000000",
            "quorate bench engine fillrandom --sync --threads 64 --seconds 10 --format json")
        {
            workloads, directory, sync, threads, num, keySize, valueSize, seconds, seekNexts, cache, memTable, format,
        };
        verb.SetAction(parsed =>
        {
            var plan = new EngineBenchPlan
            {
                Workloads = Parse(parsed.GetValue(workloads)!),
                Directory = parsed.GetValue(directory),
                Sync = parsed.GetValue(sync),
                Threads = parsed.GetValue(threads),
                Num = parsed.GetValue(num),
                KeyBytes = parsed.GetValue(keySize),
                ValueBytes = parsed.GetValue(valueSize),
                Seconds = parsed.GetValue(seconds),
                SeekNexts = parsed.GetValue(seekNexts),
                CacheBytes = parsed.GetValue(cache),
                MemTableBytes = parsed.GetValue(memTable),
            };
            string[] problems = [.. plan.Problems()];
            if (problems.Length > 0) { throw new CliException(ExitCode.Usage, string.Join('\n', problems)); }
            TextWriter output = parsed.InvocationConfiguration.Output;
            bool isJson = Common.IsJson(parsed, format);
            var results = new List<EngineBenchResult>();
            EngineBenchRunner.Run(plan, result =>
            {
                results.Add(result);
                if (!isJson) { EngineBenchReport.Text(output, plan, result); }
            });
            if (isJson) { output.WriteLine(EngineBenchReport.Json(plan, results).ToJsonString()); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static List<EngineWorkload> Parse(string names)
    {
        var chosen = new List<EngineWorkload>();
        foreach (string name in names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            chosen.Add(EngineWorkload.All.FirstOrDefault(w => w.Name == name) ?? throw new CliException(
                ExitCode.Usage, $"'{name}' is no workload; there are {string.Join(", ", EngineWorkload.All.Select(static w => w.Name))}."));
        }

        return chosen;
    }

    private static Option<T> Number<T>(string name, string description, T standard)
        where T : struct => new(name) { Description = $"{description} Default: {standard}.", DefaultValueFactory = _ => standard };
}
