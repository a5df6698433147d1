using System.CommandLine;
using System.Text.Json;
using Quorate.Cli;

namespace Quorate.Sim;

/// <summary><c>quorate sim report</c>: makes the page of figures from the facts, after adding records to them.</summary>
internal static class ReportCommand
{
    /// <summary>Creates the verb.</summary>
    public static Verb Create()
    {
        var facts = new Option<string>("--facts") { Description = "The file of facts. Default: docs/reliability.json.", HelpName = "file", DefaultValueFactory = _ => "docs/reliability.json" };
        var add = new Option<string[]>("--add")
        {
            Description = "Records to add first, one JSON object a line, as the suites with real processes and with planted bugs write them.",
            HelpName = "file",
        };
        var verb = new Verb(
            "report", "Make the page of figures (reliability.md, beside the facts) from what was recorded.",
            "quorate sim report", "quorate sim --seeds 1..20000 --record docs/reliability.json", "quorate sim report --add real.jsonl --add planted.jsonl")
        {
            facts, add,
        };
        verb.SetAction(parsed =>
        {
            var file = new FactsFile(parsed.GetValue(facts)!);
            string[] records = parsed.GetValue(add) ?? [];
            int lines = 0;
            file.Change(known =>
            {
                foreach (string record in records) { lines += Add(record, known.AddLine); }
            });
            parsed.InvocationConfiguration.Output.WriteLine($"{file.PagePath}: written; {lines} records added");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static int Add(string record, Action<string> add)
    {
        if (!File.Exists(record)) { throw new CliException(ExitCode.Precondition, $"there is no file {record}"); }
        int added = 0;
        string[] lines = File.ReadAllLines(record);
        for (int i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) { continue; }
            try
            {
                add(lines[i]);
            }
            catch (JsonException e)
            {
                throw new CliException(ExitCode.Usage, $"{record}:{i + 1}: {e.Message}", e);
            }

            added++;
        }

        return added;
    }
}
