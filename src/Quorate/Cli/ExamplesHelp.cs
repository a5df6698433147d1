using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Quorate.Cli;

/// <summary>A verb with examples: its help ends in commands that work as they stand.</summary>
internal sealed class Verb : Command
{
    /// <summary>Creates a verb.</summary>
    /// <param name="name">The word on the command line.</param>
    /// <param name="description">One or two sentences.</param>
    /// <param name="examples">Whole command lines.</param>
    public Verb(string name, string description, params string[] examples)
        : base(name, description) => Examples = examples;

    /// <summary>Whole command lines.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>Adds the endpoints together with the options that belong to them.</summary>
    public void Add(EndpointsOption endpoints)
    {
        Add((Option)endpoints);
        foreach (Option option in endpoints.Companions) { Add(option); }
    }
}

/// <summary>Help, followed by the verb's examples and the exit codes.</summary>
internal sealed class ExamplesHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _help;

    /// <summary>Wraps the usual help.</summary>
    public ExamplesHelp(HelpAction help) => _help = help;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int result = _help.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is Verb { Examples.Count: > 0 } verb)
        {
            output.WriteLine("Examples:");
            foreach (string example in verb.Examples) { output.WriteLine("  " + example); }
            output.WriteLine();
        }

        output.WriteLine("Exit codes:");
        output.WriteLine("  0 ok, 1 failed, 2 usage or settings, 3 precondition or not found, 4 cannot connect,");
        output.WriteLine("  5 outcome unknown, 10 unhealthy, 12 integrity");
        return result;
    }
}
