using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>
/// Servers in a network lab, and an operator who starts again whatever ended, as a service manager does. An end that no fault of
/// the run explains is noted.
/// </summary>
internal sealed class FaultCluster : IDisposable
{
    private const int ClientPort = 2379;
    private const int PeerPort = 2380;
    private const int DiskMegabytes = 96;

    private static readonly string[] ExplainedEnds = ["No space left on device", "Input/output error"];

    private readonly string _directory;
    private readonly SmallDisk[] _disks;
    private readonly LoopDisk[] _loopDisks;
    private readonly Shim[] _shims;
    private readonly Lock[] _locks;
    private readonly Life[] _lives;
    private readonly int[] _keptDown;
    private readonly int[] _endsExpected;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _operator = Task.CompletedTask;

    /// <summary>Starts the servers and waits until they are ready.</summary>
    /// <param name="lab">Where they live.</param>
    /// <param name="directory">Holds their data.</param>
    /// <param name="needs">What the faults to come need.</param>
    /// <param name="settings">Flags for each of them.</param>
    public FaultCluster(NetworkLab lab, string directory, FaultNeeds needs, params IEnumerable<string> settings)
    {
        Lab = lab;
        _directory = directory;
        int[] nodes = [.. Enumerable.Range(0, lab.Nodes)];
        _disks = needs.HasFlag(FaultNeeds.SmallDisk) ? [.. nodes.Select(node => new SmallDisk(DataDirectoryOf(node), DiskMegabytes))] : [];
        _loopDisks = needs.HasFlag(FaultNeeds.LoopDisk) ? [.. nodes.Select(node => new LoopDisk(DataDirectoryOf(node), DiskMegabytes))] : [];
        _shims = needs.HasFlag(FaultNeeds.Shim) ? [.. nodes.Select(node => new Shim(DataDirectoryOf(node)))] : [];
        string cluster = string.Join(',', Enumerable.Range(0, lab.Nodes).Select(i => $"n{i}=http://{lab.AddressOf(i)}:{PeerPort}"));
        Servers = [.. Enumerable.Range(0, lab.Nodes).Select(i => NewServer(i, cluster, [.. settings]))];
        _locks = [.. Servers.Select(_ => new Lock())];
        _lives = [.. Servers.Select(_ => new Life())];
        _keptDown = new int[Servers.Length];
        _endsExpected = new int[Servers.Length];
        try
        {
            foreach (ServerProcess server in Servers) { server.Start(); }
            foreach (ServerProcess server in Servers) { server.WaitUntilReady(); }
        }
        catch
        {
            Dispose();
            throw;
        }

        _operator = Task.Run(OperateAsync);
    }

    public NetworkLab Lab { get; }

    public ImmutableArray<ServerProcess> Servers { get; }

    /// <summary>Where clients reach them.</summary>
    public IEnumerable<Uri> Endpoints => Servers.Select(server => server.Endpoint);

    /// <summary>Ends of servers that were neither wanted nor the right answer to a fault of the disk, and the like.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();

    /// <summary>Where a server keeps its data.</summary>
    public string DataDirectoryOf(int node) => Path.Combine(_directory, "n" + node.ToString(CultureInfo.InvariantCulture));

    /// <summary>SIGKILL, if it runs; false if it does not. It is started again once nobody keeps it down.</summary>
    public bool Kill(int node)
    {
        lock (_locks[node])
        {
            if (!Servers[node].IsRunning) { return false; }
            _lives[node].EndIsWanted = true;
            Servers[node].Kill();
            return true;
        }
    }

    /// <summary>What a server has printed behind a place in its log.</summary>
    public bool HasSaid(int node, int from, params ReadOnlySpan<string> words)
    {
        string log = Servers[node].Log;
        foreach (string word in words)
        {
            if (log.AsSpan(from).Contains(word, StringComparison.Ordinal)) { return true; }
        }

        return false;
    }

    /// <summary>While this is held, the server may end at any moment though nobody here kills it.</summary>
    public IDisposable ExpectEnds(int node)
    {
        Interlocked.Increment(ref _endsExpected[node]);
        return new Undo(() => Interlocked.Decrement(ref _endsExpected[node]));
    }

    /// <summary>Number of the life that a server lives, or lived last.</summary>
    public int LifeOf(int node)
    {
        lock (_locks[node]) { return _lives[node].Number; }
    }

    /// <summary>Orders to a server's disk and clock.</summary>
    public Shim ShimOf(int node) => _shims[node];

    /// <summary>The disk of a server, if it can be filled.</summary>
    public SmallDisk DiskOf(int node) => _disks[node];

    /// <summary>The disk of a server, if a power cut can be made of it.</summary>
    public LoopDisk LoopDiskOf(int node) => _loopDisks[node];

    /// <summary>Notes what a server did that it must not do.</summary>
    public void Complain(string problem) => Complaints.Enqueue(problem);

    /// <summary>SIGTERM, if it runs; false if it does not. A server that does not end with exit code 0 then is noted as an unexplained end.</summary>
    public bool Terminate(int node)
    {
        lock (_locks[node])
        {
            // A second signal would end it at once, as the server says it does.
            if (!Servers[node].IsRunning || _lives[node].IsTerminated) { return false; }
            _lives[node].IsTerminated = true;
            return Native.Kill(Servers[node].ProcessId, Native.SignalTerminate) == 0;
        }
    }

    /// <summary>While this is held, the server is not started again.</summary>
    public IDisposable KeepDown(int node)
    {
        Interlocked.Increment(ref _keptDown[node]);
        return new Undo(() => Interlocked.Decrement(ref _keptDown[node]));
    }

    /// <summary>SIGSTOP until Dispose.</summary>
    public IDisposable Pause(int node)
    {
        Signal(node, Native.SignalStop);
        return new Undo(() => Signal(node, Native.SignalContinue));
    }

    /// <summary>True if a server runs, is ready, and nobody has told it to end.</summary>
    public bool IsServing(int node)
    {
        lock (_locks[node])
        {
            return Servers[node] is { IsRunning: true, IsReady: true } && _lives[node] is { EndIsWanted: false, IsTerminated: false };
        }
    }

    /// <summary>Waits until a server serves; false if it does not in time, or the wait is stopped.</summary>
    public async Task<bool> WaitUntilServingAsync(int node, TimeSpan most, CancellationToken stop)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < most && !stop.IsCancellationRequested; await Task.Delay(20, CancellationToken.None))
        {
            if (IsServing(node)) { return true; }
        }

        return false;
    }

    /// <summary>True while the kernel says that a server is stopped.</summary>
    public bool IsPaused(int node)
    {
        lock (_locks[node])
        {
            return Servers[node].IsRunning &&
                File.ReadAllText($"/proc/{Servers[node].ProcessId}/status").Contains("State:\tT", StringComparison.Ordinal);
        }
    }

    /// <summary>The member that the one asked first takes for the leader, or a random one if none knows.</summary>
    public async Task<int> LeaderOrAnyAsync(Random random)
    {
        foreach (int node in Enumerable.Range(0, Servers.Length).OrderBy(_ => random.Next()).ToArray())
        {
            try
            {
                using var client = new EtcdGrpcClient([Servers[node].Endpoint], TimeSpan.FromMilliseconds(300));
                StatusResponse status = await client.CallAsync(EtcdMethods.Status, new StatusRequest(), TimeSpan.FromMilliseconds(500));
                if (status.Leader == status.Header.MemberId && status.Leader != 0) { return node; }
            }
            catch (EtcdRpcException)
            {
                // Down or cut off; the next one may know.
            }
        }

        return random.Next(Servers.Length);
    }

    /// <summary>What each server printed, for a report.</summary>
    public void SaveLogs(string directory)
    {
        foreach (ServerProcess server in Servers) { File.WriteAllText(Path.Combine(directory, server.Name + ".log"), server.Log); }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _operator.Wait();
        for (int node = 0; node < Servers.Length; node++) { Signal(node, Native.SignalContinue); }
        foreach (ServerProcess server in Servers) { server.Dispose(); }
        foreach (IDisposable disk in (IDisposable[])[.. _disks, .. _loopDisks]) { disk.Dispose(); }
        foreach (Shim shim in _shims) { shim.Dispose(); }
        _stop.Dispose();
    }

    private ServerProcess NewServer(int node, string cluster, string[] settings)
    {
        string address = Lab.AddressOf(node);
        return new ServerProcess(
            $"n{node}", ClientPort, PeerPort,
            [
                "start", "--name", $"n{node}", "--data-dir", DataDirectoryOf(node), "--allow-plaintext",
                "--listen-client-urls", $"http://{address}:{ClientPort}", "--advertise-client-urls", $"http://{address}:{ClientPort}",
                "--listen-peer-urls", $"http://{address}:{PeerPort}", "--initial-advertise-peer-urls", $"http://{address}:{PeerPort}",
                "--initial-cluster", cluster, "--initial-cluster-token", "faults", .. settings,
            ])
        {
            Host = address,
            Launch = start =>
            {
                if (_shims.Length > 0) { _shims[node].AddTo(start); }
                return Lab.Launch(node, start);
            },
        };
    }

    private async Task OperateAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            for (int node = 0; node < Servers.Length; node++)
            {
                lock (_locks[node])
                {
                    if (!Servers[node].IsRunning) { Operate(node); }
                }
            }

            await Task.Delay(50, CancellationToken.None);
        }
    }

    private void Operate(int node)
    {
        ServerProcess server = Servers[node];
        Life life = _lives[node];
        if (!life.IsOver)
        {
            life.IsOver = true;
            int code = server.WaitForExit(); // Its last words, too.
            string log = server.Log[life.LogStart..];

            // The runtime takes a second to start on a busy machine; told to stop before its first line, it ends by the signal itself.
            bool wasYoung = !log.Contains("event=starting", StringComparison.Ordinal);
            bool isExplained = life.EndIsWanted || Volatile.Read(ref _endsExpected[node]) > 0 || (life.IsTerminated && (code == 0 || wasYoung)) ||
                ExplainedEnds.Any(end => log.Contains(end, StringComparison.Ordinal));
            if (!isExplained) { Complaints.Enqueue($"{server.Name} ended with {code}:\n{log}"); }
        }

        if (Volatile.Read(ref _keptDown[node]) > 0) { return; }
        _lives[node] = new Life { Number = life.Number + 1, LogStart = server.Log.Length };
        server.Start();
    }

    private void Signal(int node, int signal)
    {
        lock (_locks[node])
        {
            if (Servers[node].IsRunning) { _ = Native.Kill(Servers[node].ProcessId, signal); }
        }
    }

    private sealed class Undo(Action undo) : IDisposable
    {
        private Action? _undo = undo;

        public void Dispose() => Interlocked.Exchange(ref _undo, null)?.Invoke();
    }

    /// <summary>One life of a server, from a start to an end.</summary>
    private sealed class Life
    {
        public int Number { get; init; }

        public int LogStart { get; init; }

        public bool EndIsWanted { get; set; }

        public bool IsTerminated { get; set; }

        public bool IsOver { get; set; }
    }
}
