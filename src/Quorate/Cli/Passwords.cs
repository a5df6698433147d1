using System.Text;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Cli;

/// <summary>Users' names and passwords, as operators give them.</summary>
internal static class Passwords
{
    /// <summary>Reads <c>NAME</c> or <c>NAME:PASSWORD</c>, as etcdctl's --user.</summary>
    /// <param name="option">The option that says it, for messages.</param>
    /// <param name="text">What was given. The name ends at the first colon.</param>
    /// <param name="password">The password to take if the text has none; null: it is asked for on the terminal.</param>
    /// <exception cref="CliException">There is no name, or no password to be had.</exception>
    public static EtcdUser UserOf(string option, string text, string? password)
    {
        (string name, string? given) = Split(text);
        if (name.Length == 0) { throw new CliException(ExitCode.Usage, $"{option} has no name; give NAME or NAME:PASSWORD."); }
        return new EtcdUser(name, given ?? password ?? FromTerminal($"Password of {name}: ") ?? throw new CliException(
            ExitCode.Usage, $"{option} {name} has no password; give {option} {name}:PASSWORD, set QUORATE_PASSWORD, or call from a terminal."));
    }

    /// <summary>The name, and what is behind the first colon; null without one.</summary>
    public static (string Name, string? Password) Split(string text) =>
        text.IndexOf(':', StringComparison.Ordinal) is >= 0 and int colon ? (text[..colon], text[(colon + 1)..]) : (text, null);

    /// <summary>A password for a user to be: asked for twice on a terminal, else the first line of the standard input.</summary>
    /// <exception cref="CliException">The two differ, or there is none.</exception>
    public static string New(string user)
    {
        if (FromTerminal($"New password of {user}: ") is not { } typed)
        {
            return Console.In.ReadLine() ?? throw new CliException(
                ExitCode.Usage, "there is no password; give it on the standard input, or call from a terminal. Nothing was done.");
        }

        return FromTerminal("The same again: ") == typed ? typed : throw new CliException(ExitCode.Usage, "the two are not the same. Nothing was done.");
    }

    // Null if nobody sits there. Asked for beside the standard output, which may be a pipe.
    private static string? FromTerminal(string question)
    {
        if (Console.IsInputRedirected) { return null; }
        Console.Error.Write(question);
        var password = new StringBuilder();
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter) { break; }
            if (key.Key == ConsoleKey.Backspace) { password.Length = Math.Max(0, password.Length - 1); }
            else if (!char.IsControl(key.KeyChar)) { password.Append(key.KeyChar); }
        }

        Console.Error.WriteLine();
        return password.ToString();
    }
}
