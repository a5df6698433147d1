using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Quorate.Cli;
using Quorate.Host;

namespace Quorate.Dev;

/// <summary><c>quorate dev</c>: a cluster on this machine in one terminal.</summary>
internal static class DevCommand
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var nodes = new Option<int>("--nodes", "-n") { Description = "Nodes, 1 to 5. Default: 3.", DefaultValueFactory = _ => 3 };
        var dataDir = new Option<string?>("--data-dir")
        {
            Description = "Where to keep data and logs. Default: a temporary directory, removed at the end.",
            HelpName = "path",
        };
        var noKeys = new Option<bool>("--no-keys") { Description = "Do not read keys; for scripts." };
        var exitAfter = new Option<double?>("--exit-after") { Description = "Stop this many seconds after being ready.", HelpName = "seconds" };
        var verb = new Verb(
            "dev",
            "Run a cluster on this machine, each node a process of its own. Keys: k kills the leader, r restarts dead nodes, q quits.",
            "quorate dev", "quorate dev --nodes 1", "quorate dev --data-dir ./play --no-keys --exit-after 30")
        {
            nodes, dataDir, noKeys, exitAfter,
        };
        verb.SetAction(async parsed =>
        {
            int count = parsed.GetValue(nodes);
            if (count is < 1 or > 5) { throw new CliException(ExitCode.Usage, $"--nodes is {count}; it must be 1 to 5."); }
            if (parsed.GetValue(exitAfter) is { } seconds and not (>= 0 and <= 86_400))
            {
                throw new CliException(ExitCode.Usage, $"--exit-after is {seconds}; it must be 0 to 86400 seconds.");
            }

            TimeSpan? after = parsed.GetValue(exitAfter) is { } s ? TimeSpan.FromSeconds(s) : null;
            using var signals = new StopSignals();
            bool hasKeys = !parsed.GetValue(noKeys) && !Console.IsInputRedirected;
            var screen = new DevScreen(parsed.InvocationConfiguration.Output, isTerminal: !Console.IsOutputRedirected, hasKeys);
            return (int)await RunAsync(count, parsed.GetValue(dataDir), after, screen, signals);
        });
        return verb;
    }

    private static async Task<ExitCode> RunAsync(
        int count, string? dataDir, TimeSpan? exitAfter, DevScreen screen, StopSignals signals)
    {
        string directory = dataDir is null
            ? Directory.CreateTempSubdirectory("quorate-dev-").FullName
            : CreateDirectory(dataDir);
        try
        {
            var remarks = new List<string>();
            NodePorts[] ports = DevPorts.Choose(count, dataDir is null ? null : directory, remarks);
            foreach (string remark in remarks) { screen.Line(remark); }
            using var cluster = new DevCluster(ports, directory);
            long started = Stopwatch.GetTimestamp();
            screen.Line($"starting {count} {(count == 1 ? "node" : "nodes")} in {directory}");
            try
            {
                await cluster.StartAsync(StartTimeout, signals.Token);
                await cluster.AskAsync();
                screen.Ready(cluster, Stopwatch.GetElapsedTime(started));
                await LiveAsync(cluster, screen, exitAfter, signals);
            }
            catch (OperationCanceledException)
            {
                // Asked to stop before it was ready.
            }

            screen.EndStatus();
            screen.Line("stopping");
            await cluster.StopAsync();
            screen.Line("stopped");
            return ExitCode.Ok;
        }
        finally
        {
            if (dataDir is null) { RemoveDirectory(directory); }
        }
    }

    private static async Task LiveAsync(DevCluster cluster, DevScreen screen, TimeSpan? exitAfter, StopSignals signals)
    {
        long ready = Stopwatch.GetTimestamp();
        var ended = new HashSet<DevNode>();
        long asked = 0;
        while (!signals.Token.IsCancellationRequested && !(Stopwatch.GetElapsedTime(ready) >= exitAfter))
        {
            switch (screen.ReadKey())
            {
                case 'q': return;
                case 'k' when cluster.Leader is { } leader:
                    screen.Line($"kill -9 {leader.Pid} ({leader.Name}, the leader)");
                    leader.Kill();
                    break;
                case 'k': screen.Line("no leader to kill"); break;
                case 'r':
                    DevNode[] restarted = cluster.RestartDead();
                    screen.Line(restarted.Length == 0 ? "all nodes run" : $"restarting {string.Join(", ", restarted.Select(n => n.Name))}");
                    break;
                default: break;
            }

            foreach (DevNode node in cluster.Nodes)
            {
                if (node.IsRunning) { ended.Remove(node); }
                else if (ended.Add(node))
                {
                    screen.Line(string.Create(CultureInfo.InvariantCulture, $"{node.Name} ended with code {node.ExitCode}; its log: {node.LogPath}"));
                }
            }

            if (Stopwatch.GetElapsedTime(asked) >= TimeSpan.FromMilliseconds(500))
            {
                asked = Stopwatch.GetTimestamp();
                await cluster.AskAsync();
                screen.Status(cluster);
            }

            await Task.Delay(50, CancellationToken.None);
        }
    }

    private static string CreateDirectory(string path)
    {
        try
        {
            return Directory.CreateDirectory(path).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCode.Usage, $"--data-dir is '{path}', which cannot be created: {e.Message}", e);
        }
    }

    private static void RemoveDirectory(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is in the temporary directory: the machine removes it some day.
        }
    }
}
