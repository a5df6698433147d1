using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Quorate.Cli;

/// <summary>What this executable was built from.</summary>
internal static class BuildInfo
{
    // "0.1.0+<commit>": the SDK appends the commit when it builds inside a git work tree.
    private static readonly string[] Informational =
        (typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0")
        .Split('+', 2);

    /// <summary>Three numbers.</summary>
    public static string Version => Informational[0];

    /// <summary>The commit, or "unknown".</summary>
    public static string Commit => Informational.Length > 1 ? Informational[1] : "unknown";
}

/// <summary><c>quorate version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        Option<string> format = Common.Format();
        var verb = new Verb(
            "version", "Print the version, the commit it was built from, .NET and the operating system.",
            "quorate version", "quorate version --format json")
        {
            format,
        };
        verb.SetAction(parsed =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            (string Name, string Value)[] facts =
            [
                ("version", BuildInfo.Version),
                ("commit", BuildInfo.Commit),
                ("runtime", RuntimeInformation.FrameworkDescription),
                ("os", $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}"),
            ];
            if (Common.IsJson(parsed, format))
            {
                output.WriteLine(new JsonObject(facts.Select(f => KeyValuePair.Create(f.Name, (JsonNode?)f.Value))).ToJsonString());
            }
            else
            {
                foreach ((string name, string value) in facts) { output.WriteLine($"{name,-8} {value}"); }
            }

            return (int)ExitCode.Ok;
        });
        return verb;
    }
}
