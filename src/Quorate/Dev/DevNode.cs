using System.Diagnostics;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Settings;

namespace Quorate.Dev;

/// <summary>One child process: a server of the cluster. Its log goes to a file beside its data.</summary>
internal sealed class DevNode : IDisposable
{
    private readonly string[] _arguments;
    private readonly string _logPath;
    private readonly EtcdGrpcClient _client;
    private Process? _process;

    /// <summary>Prepares a node; <see cref="Start"/> runs it.</summary>
    public DevNode(string name, NodePorts ports, string directory, string initialCluster)
    {
        Name = name;
        ClientUrl = $"http://127.0.0.1:{ports.Client}";
        PeerUrl = PeerUrlOf(ports);
        _logPath = Path.Combine(directory, name + ".log");
        _client = new EtcdGrpcClient([new Uri(ClientUrl)], TimeSpan.FromMilliseconds(500));
        _arguments =
        [
            "start", "--stop-with-stdin", "--name", name, "--data-dir", Path.Combine(directory, name),
            "--listen-client-urls", ClientUrl, "--listen-peer-urls", PeerUrl,
            "--initial-cluster", initialCluster, "--initial-cluster-token", "quorate-dev",
            // Three nodes share a laptop's disk: a quarter of the usual log.
            "--wal-segment-bytes", "16777216",
        ];
    }

    /// <summary>n1, n2, ...</summary>
    public string Name { get; }

    /// <summary>For clients.</summary>
    public string ClientUrl { get; }

    /// <summary>For the other nodes.</summary>
    public string PeerUrl { get; }

    /// <summary>Where its log is.</summary>
    public string LogPath => _logPath;

    /// <summary>Last answer to a question for its status; null if it does not answer.</summary>
    public StatusResponse? Status { get; private set; }

    /// <summary>Process id, or 0.</summary>
    public int Pid => IsRunning ? _process!.Id : 0;

    /// <summary>True while the process lives.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>How the process ended, if it did by itself.</summary>
    public int? ExitCode => _process is { HasExited: true } ? _process.ExitCode : null;

    /// <summary>The URL under which the others know a node with these ports.</summary>
    public static string PeerUrlOf(NodePorts ports) => $"http://127.0.0.1:{ports.Peer}";

    /// <summary>Starts the process.</summary>
    public void Start()
    {
        _process?.Dispose();
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true, // Its end tells the child that we are gone, however we went.
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };

        // Run by `dotnet quorate.dll`, the program is dotnet and needs to be told the assembly.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") { start.ArgumentList.Add(typeof(DevNode).Assembly.Location); }
        foreach (string argument in _arguments) { start.ArgumentList.Add(argument); }
        foreach (SettingKey key in SettingKeys.All) { start.Environment.Remove(key.Variable); }
        start.Environment.Remove("QUORATE_CONFIG");
        Process process = Process.Start(start)!;
        _process = process;
        // Unbuffered: people read it while the node runs, and after it died.
        var log = new FileStream(_logPath, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        _ = CopyAsync(process, log);
    }

    /// <summary>SIGKILL: what a crash is.</summary>
    public void Kill()
    {
        if (IsRunning) { _process!.Kill(); }
        Status = null;
    }

    /// <summary>Asks for a graceful stop.</summary>
    public void BeginStop()
    {
        if (!IsRunning) { return; }
        try
        {
            _process!.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has gone meanwhile.
        }
    }

    /// <summary>Waits for the end; after the timeout makes it.</summary>
    public async Task EndAsync(TimeSpan timeout)
    {
        if (_process is null) { return; }
        try
        {
            using var late = new CancellationTokenSource(timeout);
            await _process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
        }
    }

    /// <summary>Asks for its status, for at most 800 ms.</summary>
    public async Task AskAsync()
    {
        if (!IsRunning)
        {
            Status = null;
            return;
        }

        try
        {
            Status = await _client.CallAsync(EtcdMethods.Status, new StatusRequest(), TimeSpan.FromMilliseconds(800));
        }
        catch (EtcdRpcException)
        {
            Status = null;
        }
    }

    /// <summary>True once it has served a linearizable read.</summary>
    public async Task<bool> IsReadyAsync()
    {
        try
        {
            await _client.CallAsync(
                EtcdMethods.Range, new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("health") }, TimeSpan.FromSeconds(1));
            return true;
        }
        catch (EtcdRpcException)
        {
            return false;
        }
    }

    /// <summary>Last lines of its log, for when it fails to start.</summary>
    public string LogTail()
    {
        try
        {
            using var reader = new StreamReader(new FileStream(_logPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return string.Join('\n', reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(5));
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process?.Dispose();
        _client.Dispose();
    }

    private static async Task CopyAsync(Process process, FileStream log)
    {
        try
        {
            await using (log)
            {
                await process.StandardError.BaseStream.CopyToAsync(log);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The log is for people; the node goes on without.
        }
    }
}
