using System.Diagnostics;
using System.Text;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>A program that runs on while a test goes on.</summary>
internal sealed class RunningTool : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    public RunningTool(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) { start.ArgumentList.Add(argument); }
        start.Environment["ETCDCTL_API"] = "3";
        Tool.RemoveOurVariables(start);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Add(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Add(_error, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Our own binary.</summary>
    public static RunningTool Quorate(params IEnumerable<string> arguments) => new("dotnet", [ServerProcess.Binary, .. arguments]);

    public string Output
    {
        get { lock (_output) { return _output.ToString(); } }
    }

    public string Error
    {
        get { lock (_error) { return _error.ToString(); } }
    }

    /// <summary>Waits until it has printed that many lines, and returns them.</summary>
    public string[] WaitForLines(int count)
    {
        Assert.True(
            SpinWait.SpinUntil(() => Output.Count(static c => c == '\n') >= count, TimeSpan.FromSeconds(60)), $"only '{Output}' and '{Error}'");
        return Output.Split('\n');
    }

    /// <summary>kill -9.</summary>
    public void Kill() => _process.Kill();

    public void Terminate() => Tool.Run("/bin/kill", ["-TERM", $"{_process.Id}"]).Succeeded();

    public int WaitForExit()
    {
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(60)), $"still runs: '{Output}' and '{Error}'");
        _process.WaitForExit(); // For the rest of its output.
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) { _process.Kill(entireProcessTree: true); }
        _process.Dispose();
    }

    private static void Add(StringBuilder text, string? line)
    {
        if (line is null) { return; }
        lock (text) { text.Append(line).Append('\n'); }
    }
}
