using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>A program that somebody else wrote, run once.</summary>
internal static class Tool
{
    /// <summary>What a run printed, and its exit code.</summary>
    public sealed record Result(int ExitCode, string Output, string Error)
    {
        public string Succeeded()
        {
            Assert.True(ExitCode == 0, $"exit {ExitCode}: {Output}{Error}");
            return Output;
        }
    }

    /// <summary>The program's path, or a skip with the reason why this machine cannot run the test.</summary>
    public static string Find(string name)
    {
        foreach (string directory in new[] { "/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/sbin" })
        {
            string path = Path.Combine(directory, name);
            if (File.Exists(path)) { return path; }
        }

        Assert.Skip($"{name} is not installed; .ci/run installs it");
        return "";
    }

    /// <summary>The Python that has Debian's python3-etcd3, or a skip with the reason.</summary>
    public static string FindPythonWithEtcd3()
    {
        string python = Find("python3");
        if (Run(python, ["-c", "import etcd3"]).ExitCode != 0) { Assert.Skip("python3-etcd3 is not installed; .ci/run installs it"); }
        return python;
    }

    public static Result Run(string program, IEnumerable<string> arguments, string? input = null, int seconds = 60)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (string argument in arguments) { start.ArgumentList.Add(argument); }
        start.Environment["ETCDCTL_API"] = "3";
        RemoveOurVariables(start);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (input is not null) { process.StandardInput.Write(input); }
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(seconds)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail(string.Create(
                CultureInfo.InvariantCulture, $"{program} {string.Join(' ', arguments)} did not end within {seconds} s"));
        }

        return new(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Keeps from a process what is for the tests: our binary refuses variables with its prefix that it does not know.</summary>
    public static void RemoveOurVariables(ProcessStartInfo start)
    {
        foreach (string ours in start.Environment.Keys.Where(name => name.StartsWith("QUORATE_FAULT_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(ours);
        }
    }

    /// <summary>Runs our own binary.</summary>
    public static Result Quorate(params IEnumerable<string> arguments) => Run("dotnet", [ServerProcess.Binary, .. arguments]);
}
