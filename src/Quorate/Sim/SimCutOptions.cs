using System.CommandLine;
using System.Globalization;
using Quorate.Cli;
using Quorate.Simulation;

namespace Quorate.Sim;

/// <summary>The options that leave something out of every run; <see cref="SimCuts.ToString"/> writes them.</summary>
internal sealed class SimCutOptions
{
    private readonly Option<string?> _without = new("--without") { Description = "Faults to leave out, by commas; 'quorate sim list' names them.", HelpName = "faults" };
    private readonly Option<string?> _withoutWorkload = new("--without-workload") { Description = "Workloads to leave out, by commas.", HelpName = "workloads" };
    private readonly Option<double?> _span = new("--span") { Description = "Simulated seconds under faults, at most.", HelpName = "seconds" };
    private readonly Option<int?> _clients = new("--clients") { Description = "Clients of each workload, at most." };
    private readonly Option<int?> _keys = new("--keys") { Description = "Keys of each workload, at most." };
    private readonly Option<int?> _nodes = new("--nodes") { Description = "Nodes, at most." };
    private readonly Option<int?> _shards = new("--shards") { Description = "Shards, at most." };
    private readonly Option<int?> _spares = new("--spares") { Description = "Spare nodes, at most." };

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[_without, _withoutWorkload, _span, _clients, _keys, _nodes, _shards, _spares]) { verb.Add(option); }
    }

    /// <summary>Reads them.</summary>
    /// <exception cref="CliException">One is wrong.</exception>
    public SimCuts Read(ParseResult parsed)
    {
        string[] without = Names(parsed.GetValue(_without));
        if (without.FirstOrDefault(name => !SimFault.Names.Contains(name)) is { } unknown)
        {
            throw new CliException(ExitCode.Usage, $"--without names '{unknown}', which is no fault; there are {string.Join(", ", SimFault.Names)}.");
        }

        double? seconds = parsed.GetValue(_span);
        if (seconds is <= 0 or > 86_400 or double.NaN)
        {
            throw new CliException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--span is {seconds}; it must be more than 0 and at most 86400 seconds."));
        }

        return new()
        {
            Without = [.. without],
            WithoutWorkloads = [.. Names(parsed.GetValue(_withoutWorkload))],
            Span = seconds is { } span ? TimeSpan.FromMicroseconds(Math.Round(span * 1e6)) : null,
            Clients = Count(parsed, _clients, 1),
            Keys = Count(parsed, _keys, 1),
            Nodes = Count(parsed, _nodes, 1),
            Shards = Count(parsed, _shards, 1),
            Spares = Count(parsed, _spares, 0),
        };
    }

    private static string[] Names(string? text) => text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static int? Count(ParseResult parsed, Option<int?> option, int least) => parsed.GetValue(option) is not { } count || count >= least
        ? parsed.GetValue(option)
        : throw new CliException(ExitCode.Usage, $"{option.Name} is {count}; it must be at least {least}.");
}
