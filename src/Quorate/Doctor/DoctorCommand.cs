using System.CommandLine;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Host;
using Quorate.Node.Files;
using Quorate.Settings;

namespace Quorate.Doctor;

/// <summary><c>quorate doctor</c>: what would keep a server from running well here. Changes nothing.</summary>
internal static class DoctorCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var options = new SettingOptions();
        Option<string> format = Common.Format();
        var verb = new Verb(
            "doctor",
            "Check this machine and a server's settings, given as for 'quorate start': limits, memory, clock, disk space, time of a synced write, "
            + "data directory, ports, certificates, the other members. Each finding says what, why, and what next. Changes nothing. "
            + "Exit code 10 if there is a problem.",
            "quorate doctor", "quorate doctor --config /etc/quorate.json", "quorate doctor --data-dir /var/lib/quorate --format json")
        {
            format,
        };
        options.AddTo(verb);
        verb.SetAction(async (parsed, _) =>
        {
            var problems = new List<string>();
            ServerSettings settings = options.Read(parsed, problems);
            List<Finding> findings = await ExamineAsync(settings, problems);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { output.WriteLine(Json(findings).ToJsonString()); }
            else { Write(output, findings); }
            return (int)(findings.Exists(f => f.Verdict == Verdict.Problem) ? ExitCode.Unhealthy : ExitCode.Ok);
        });
        return verb;
    }

    /// <summary>Makes all checks.</summary>
    /// <param name="settings">As read.</param>
    /// <param name="problems">What is wrong with them.</param>
    public static async Task<List<Finding>> ExamineAsync(ServerSettings settings, IReadOnlyCollection<string> problems)
    {
        List<Finding> findings =
        [
            MachineChecks.Files(OpenFiles.Count().Most), MachineChecks.Memory(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), MachineChecks.Clock(),
            .. DiskChecks.All(settings.DataDir), .. SettingChecks.Settings(settings, problems),
        ];
        if (problems.Count > 0) { return findings; }
        bool isRunning = findings.Exists(f => f.Check == "data-directory" && f.What.Contains("in use by", StringComparison.Ordinal));
        findings.AddRange(SettingChecks.Machine(settings, isRunning));
        findings.AddRange(SettingChecks.Certificates(settings, DateTimeOffset.UtcNow));
        findings.AddRange(await SettingChecks.PeersAsync(settings));
        return findings;
    }

    private static void Write(TextWriter output, List<Finding> findings)
    {
        foreach (Finding finding in findings.OrderByDescending(f => f.Verdict))
        {
            output.WriteLine($"{finding.Verdict.ToString().ToLowerInvariant(),-8} {finding.Check,-16} {finding.What}");
            if (finding.Why.Length > 0) { output.WriteLine($"{"",25} why:  {finding.Why}"); }
            if (finding.Next.Length > 0) { output.WriteLine($"{"",25} next: {finding.Next}"); }
        }
    }

    private static JsonArray Json(List<Finding> findings) => [.. findings.Select(f => new JsonObject
    {
        ["check"] = f.Check,
        ["verdict"] = f.Verdict.ToString().ToLowerInvariant(),
        ["what"] = f.What,
        ["why"] = f.Why,
        ["next"] = f.Next,
    })];
}
