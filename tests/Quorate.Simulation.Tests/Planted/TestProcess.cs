using System.Diagnostics;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>
/// Runs one test of a test assembly on a copy of its output directory, in which a project is replaced: for bugs that no simulated run can
/// show. A process of its own, since such a bug may end it.
/// </summary>
internal static class TestProcess
{
    private const string ThisProject = "Quorate.Simulation.Tests";
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>Runs a test.</summary>
    /// <param name="test">The test.</param>
    /// <param name="project">The project to be replaced.</param>
    /// <param name="image">What replaces it; null to leave it.</param>
    /// <returns>Null if it passed, else what it said.</returns>
    /// <exception cref="InvalidOperationException">It was not built, or did not run.</exception>
    public static string? Run(OtherTest test, string project, byte[]? image)
    {
        string output = OutputOf(test.Assembly) ?? throw new InvalidOperationException($"{test.Assembly} is not built");
        string copy = Directory.CreateTempSubdirectory("quorate-planted-").FullName;
        try
        {
            foreach (string file in Directory.EnumerateFiles(output)) { File.Copy(file, Path.Combine(copy, Path.GetFileName(file))); }
            if (image is not null) { File.WriteAllBytes(Path.Combine(copy, project + ".dll"), image); }
            return Run(Path.Combine(copy, test.Assembly + ".dll"), test.Method);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static string? Run(string assembly, string method)
    {
        var start = new ProcessStartInfo("dotnet", [assembly, "-method", method, "-noColor"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> said = process.StandardOutput.ReadToEndAsync();
        Task<string> complained = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Longest))
        {
            process.Kill(entireProcessTree: true);
            return "it does not end";
        }

        bool hasRun = said.Result.Contains("Total: ", StringComparison.Ordinal) && !said.Result.Contains("Total: 0", StringComparison.Ordinal);
        if (!hasRun) { throw new InvalidOperationException($"{method} did not run: {said.Result}{complained.Result}"); }
        return process.ExitCode == 0 ? null : said.Result.Split('\n').FirstOrDefault(line => line.Contains("[FAIL]", StringComparison.Ordinal), "it failed").Trim();
    }

    /// <summary>Directory of a test assembly, null if it was not built: this one's is known, others' lie beside it.</summary>
    public static string? OutputOf(string assembly)
    {
        string output = AppContext.BaseDirectory.Replace(
            $"{Path.DirectorySeparatorChar}{ThisProject}{Path.DirectorySeparatorChar}",
            $"{Path.DirectorySeparatorChar}{assembly}{Path.DirectorySeparatorChar}", StringComparison.Ordinal);
        return File.Exists(Path.Combine(output, assembly + ".dll")) ? output : null;
    }
}
