using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Simulation.Checkers;

namespace Quorate.Check;

/// <summary><c>quorate check FILE</c>: does a recorded history fit a model? Asks no server.</summary>
internal static class CheckCommand
{
    private static readonly SortedDictionary<string, ConsistencyLevel> Levels = new(StringComparer.Ordinal)
    {
        ["serializable"] = ConsistencyLevel.Serializable,
        ["snapshot-isolation"] = ConsistencyLevel.SnapshotIsolation,
        ["strict-serializable"] = ConsistencyLevel.StrictSerializable,
    };

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A history: one JSON object a line, of any system, not only of Quorate." };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "What the system promised. Default: what the first line of the file says.\n"
                + string.Join('\n', Models.All.Select(m => $"{m.Name}: {m.About}")),
            HelpName = string.Join('|', Models.All.Select(m => m.Name)),
        };
        var level = new Option<string>("--level")
        {
            Description = "For append: what transactions must satisfy.",
            HelpName = string.Join('|', Levels.Keys),
            DefaultValueFactory = _ => "strict-serializable",
        };
        level.AcceptOnlyFromAmong([.. Levels.Keys]);
        Option<string> format = Common.Format();
        var verb = new Verb(
            "check",
            "Compare what clients saw with what they were promised. Exit code 0 if it fits, 12 if it cannot be, 2 if the file is no history.",
            "quorate check history.jsonl", "quorate check history.jsonl --model set --format json",
            "quorate check history.jsonl --model append --level snapshot-isolation")
        {
            file, model, level, format,
        };
        verb.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            long start = Stopwatch.GetTimestamp();
            try
            {
                History history = Read(path);
                IModel chosen = Choose(path, parsed.GetValue(model), history);
                if (history.Operations.Count == 0)
                {
                    throw new CliException(ExitCode.Precondition, $"{path} holds no operation, so there is nothing to check; did the recorder run?");
                }

                Verdict verdict = chosen.Check(history, new CheckOptions
                {
                    Threads = Environment.ProcessorCount,
                    Width = Columns(),
                    Level = Levels[parsed.GetValue(level)!],
                });
                return (int)Report(parsed.InvocationConfiguration.Output, path, verdict, Stopwatch.GetElapsedTime(start), Common.IsJson(parsed, format));
            }
            catch (HistoryException e)
            {
                throw new CliException(ExitCode.Usage, e.Line > 0 ? $"{path}:{e.Line}: {e.Problem}" : $"{path}: {e.Problem}", e);
            }
        });
        return verb;
    }

    private static History Read(string path)
    {
        if (!File.Exists(path)) { throw new CliException(ExitCode.Precondition, $"there is no file {path}"); }
        using FileStream stream = File.OpenRead(path);
        return HistoryReader.Read(stream);
    }

    private static IModel Choose(string path, string? asked, History history)
    {
        string known = string.Join(", ", Models.All.Select(m => m.Name));
        if (asked is not null)
        {
            return Models.Find(asked) ?? throw new CliException(ExitCode.Usage, $"--model is '{asked}'; it must be one of {known}.");
        }

        return history.Model is null
            ? throw new CliException(ExitCode.Usage, $"{path} does not say its model; name one with --model: {known}.")
            : Models.Find(history.Model) ?? throw new CliException(
                ExitCode.Usage, $"{path}:1: \"model\" is \"{history.Model}\", which is none of {known}; name one with --model.");
    }

    private static ExitCode Report(TextWriter output, string path, Verdict verdict, TimeSpan took, bool isJson)
    {
        if (isJson)
        {
            output.WriteLine(new JsonObject
            {
                ["verdict"] = verdict.Kind switch { VerdictKind.Legal => "legal", VerdictKind.Violated => "violated", _ => "undecided" },
                ["model"] = verdict.Model,
                ["file"] = path,
                ["operations"] = verdict.Operations,
                ["keys"] = verdict.Keys,
                ["unknown"] = verdict.Unknown,
                ["figures"] = new JsonArray([.. verdict.Figures.Select(f => JsonValue.Create(f))]),
                ["seconds"] = Math.Round(took.TotalSeconds, 3),
                ["undecided"] = verdict.Undecided,
                ["violations"] = new JsonArray([.. verdict.Violations.Select(v => new JsonObject
                {
                    ["rule"] = v.Rule,
                    ["text"] = v.Text,
                    ["lines"] = new JsonArray([.. v.Operations.Select(o => JsonValue.Create(o.Invoke.Line))]),
                })]),
            }.ToJsonString());
        }
        else
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{verdict.Summary}; {took.TotalSeconds:0.0} s"));
            if (verdict.Undecided is { } why) { output.WriteLine(why); }
            foreach (Violation violation in verdict.Violations.Take(MostShown))
            {
                output.WriteLine();
                output.WriteLine(violation.Text);
            }

            if (verdict.Violations.Count > MostShown)
            {
                output.WriteLine();
                output.WriteLine($"and {verdict.Violations.Count - MostShown} more; --format json tells all of them.");
            }
        }

        return verdict.Kind switch { VerdictKind.Legal => ExitCode.Ok, VerdictKind.Violated => ExitCode.Integrity, _ => ExitCode.Failed };
    }

    // The first violation is the one to understand; the rest mostly follow from it.
    private const int MostShown = 3;

    private static int Columns() => Console.IsOutputRedirected ? new CheckOptions().Width : Math.Clamp(Console.WindowWidth, 60, 200);
}
