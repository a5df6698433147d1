using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>One server: the real binary in a process of its own, started with etcd's flags.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly string[] _arguments;
    private readonly StringBuilder _log = new();
    private Process? _process;
    private volatile bool _isReady;

    public ServerProcess(string name, int clientPort, int peerPort, params IEnumerable<string> arguments)
    {
        Name = name;
        ClientPort = clientPort;
        PeerPort = peerPort;
        _arguments = [.. arguments];
    }

    /// <summary>The binary under test: the one built together with these tests.</summary>
    public static string Binary => Path.Combine(AppContext.BaseDirectory, "quorate.dll");

    public string Name { get; }

    /// <summary>What it is started with, the verb first.</summary>
    public IReadOnlyList<string> Arguments => _arguments;

    public int ClientPort { get; }

    public int PeerPort { get; }

    /// <summary>Where clients reach it.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Starts its process; a test may do so elsewhere than in its own network, or with another environment.</summary>
    public Func<ProcessStartInfo, Process> Launch { get; set; } = start => Process.Start(start)!;

    public Uri Endpoint => new($"http://{Host}:{ClientPort}");

    /// <summary>It has said that it serves, in this life.</summary>
    public bool IsReady => _isReady;

    public bool IsRunning => _process is { HasExited: false };

    public int ExitCode => _process!.ExitCode;

    public int ProcessId => _process!.Id;

    /// <summary>All that it has printed, in all its lives.</summary>
    public string Log
    {
        get { lock (_log) { return _log.ToString(); } }
    }

    /// <summary>Ports that are free now. The listener is closed again, so another process may take one: rare, and seen as a failed start.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = new List<TcpListener>();
        for (int i = 0; i < count; i++)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            listeners.Add(listener);
        }

        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        listeners.ForEach(listener => listener.Stop());
        return ports;
    }

    public void Start()
    {
        Assert.False(IsRunning, $"{Name} runs already");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Binary);
        foreach (string argument in _arguments) { start.ArgumentList.Add(argument); }
        Tool.RemoveOurVariables(start);
        start.Environment["ETCD_LOG_FORMAT"] = "text"; // Tests read the lines of either verb.
        _isReady = false;
        _process?.Dispose();
        _process = Launch(start);
        _process.OutputDataReceived += Take;
        _process.ErrorDataReceived += Take;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts it, waits for its end, and tells how it ended and what it said in this life.</summary>
    public (int ExitCode, string Log) StartAndFail()
    {
        int start = Log.Length;
        Start();
        int code = WaitForExit();
        return (code, Log[start..]);
    }

    /// <summary>Waits until it has printed a text behind a place in its log.</summary>
    public void WaitForLog(string text, int from = 0, int seconds = 30)
    {
        for (var watch = Stopwatch.StartNew(); !Log[from..].Contains(text, StringComparison.Ordinal); Thread.Sleep(10))
        {
            Assert.True(watch.Elapsed.TotalSeconds < seconds, $"{Name} did not say '{text}' within {seconds} s:\n{Log}");
        }
    }

    /// <summary>Memory it holds, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{ProcessId}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Stops it gracefully.</summary>
    public void Stop()
    {
        Signal("TERM");
        Assert.Equal(0, WaitForExit());
    }

    public void WaitUntilReady(int seconds = 60)
    {
        for (var watch = Stopwatch.StartNew(); !_isReady; Thread.Sleep(10))
        {
            Assert.True(IsRunning, $"{Name} ended with {(_process is { HasExited: true } ? ExitCode : -1)}:\n{Log}");
            Assert.True(watch.Elapsed.TotalSeconds < seconds, $"{Name} is not ready after {seconds} s:\n{Log}");
        }
    }

    /// <summary>SIGKILL: nothing of it runs any more when this returns.</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>A signal by name, as kill(1) sends it.</summary>
    public void Signal(string name) =>
        Tool.Run("/bin/kill", [$"-{name}", ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture)]).Succeeded();

    /// <summary>Waits for its end and gives its exit code.</summary>
    public int WaitForExit(int seconds = 30)
    {
        Assert.True(_process!.WaitForExit(TimeSpan.FromSeconds(seconds)), $"{Name} did not end within {seconds} s:\n{Log}");
        _process.WaitForExit(); // The last of its output too.
        return ExitCode;
    }

    public void Dispose()
    {
        if (IsRunning) { Kill(); }
        _process?.Dispose();
    }

    private void Take(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) { return; }
        lock (_log) { _log.AppendLine(line.Data); }
        if (line.Data.Contains("ready to serve client requests", StringComparison.Ordinal)) { _isReady = true; }
    }
}
