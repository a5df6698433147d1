using System.Diagnostics;

namespace Quorate.Conformance.Tests;

/// <summary>The real etcd, of the distribution, alone and empty: to compare answers with.</summary>
internal sealed class RealEtcd : IDisposable
{
    private readonly Process _process;
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-real-etcd-").FullName;

    public RealEtcd(string program, params string[] extraArguments)
    {
        int[] ports = ServerProcess.FreePorts(2);
        Endpoint = $"127.0.0.1:{ports[0]}";
        string client = $"http://{Endpoint}";
        string peer = $"http://127.0.0.1:{ports[1]}";
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])
            ["--name", "n0", "--data-dir", _directory, "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"n0={peer}", .. extraArguments])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Endpoint { get; }

    /// <summary>False once it has ended of itself: there are requests that it does not survive.</summary>
    public bool IsRunning => !_process.HasExited;

    public void WaitUntilReady(string etcdctl)
    {
        for (int i = 0; i < 60 && Tool.Run(etcdctl, ["--endpoints", Endpoint, "get", "x"]).ExitCode != 0; i++) { Thread.Sleep(500); }
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
