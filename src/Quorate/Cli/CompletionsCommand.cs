using System.CommandLine;

namespace Quorate.Cli;

/// <summary>
/// <c>quorate completions SHELL</c>: a script that asks this program what may follow, by System.CommandLine's own directive,
/// so that it never has to be made anew.
/// </summary>
internal static class CompletionsCommand
{
    private const string Bash = """
        _quorate() {
          local IFS=$'\n' word="${COMP_WORDS[COMP_CWORD]}"
          COMPREPLY=( $(compgen -W "$(quorate "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "$word") )
        }
        complete -o default -F _quorate quorate
        """;

    private const string Zsh = """
        #compdef quorate
        _quorate() {
          local -a found
          found=("${(@f)$(quorate "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
          compadd -- $found
        }
        compdef _quorate quorate
        """;

    private const string Fish = """
        function _quorate
          set -l line (commandline -cp)
          quorate "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c quorate -a '(_quorate)'
        """;

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var verb = new Verb(
            "completions", "Print a script that completes verbs and options in a shell.",
            "quorate completions bash > /etc/bash_completion.d/quorate", "source <(quorate completions zsh)",
            "quorate completions fish > ~/.config/fish/completions/quorate.fish")
        {
            shell,
        };
        verb.SetAction(parsed =>
        {
            parsed.InvocationConfiguration.Output.WriteLine(parsed.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return (int)ExitCode.Ok;
        });
        return verb;
    }
}
