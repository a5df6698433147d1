using System.Diagnostics;
using Quorate.Cli;

namespace Quorate.Dev;

/// <summary>The child processes together.</summary>
internal sealed class DevCluster : IDisposable
{
    private long _lastRevision;
    private long _lastAsked;

    /// <summary>Prepares the nodes.</summary>
    public DevCluster(NodePorts[] ports, string directory)
    {
        string cluster = string.Join(',', ports.Select((p, i) => $"n{i + 1}={DevNode.PeerUrlOf(p)}"));
        Nodes = [.. ports.Select((p, i) => new DevNode($"n{i + 1}", p, directory, cluster))];
    }

    /// <summary>All nodes, running or not.</summary>
    public DevNode[] Nodes { get; }

    /// <summary>What <c>--endpoints</c> takes.</summary>
    public string Endpoints => string.Join(',', Nodes.Select(n => n.ClientUrl));

    /// <summary>The node that the others believe to lead, if it runs and believes so too.</summary>
    public DevNode? Leader => Nodes.FirstOrDefault(n => n.Status is { } s && s.Leader != 0 && s.Leader == s.Header.MemberId);

    /// <summary>Highest term seen in the last answers.</summary>
    public ulong Term => Nodes.Max(n => n.Status?.RaftTerm ?? 0);

    /// <summary>Highest revision seen in the last answers.</summary>
    public long Revision => Nodes.Max(n => n.Status?.Header.Revision ?? 0);

    /// <summary>Revisions per second between the last two questions.</summary>
    public double WritesPerSecond { get; private set; }

    /// <summary>Starts all nodes and waits until each serves linearizable reads.</summary>
    /// <exception cref="CliException">One ended, or the time is over.</exception>
    public async Task StartAsync(TimeSpan timeout, CancellationToken stop)
    {
        foreach (DevNode node in Nodes) { node.Start(); }
        long started = Stopwatch.GetTimestamp();
        bool[] ready = new bool[Nodes.Length];
        while (ready.Contains(false))
        {
            stop.ThrowIfCancellationRequested();
            if (Nodes.FirstOrDefault(n => n.ExitCode is not null) is { } ended)
            {
                throw new CliException(
                    ExitCode.Failed, $"{ended.Name} ended with code {ended.ExitCode}:\n{ended.LogTail()}\nIts log: {ended.LogPath}");
            }

            if (Stopwatch.GetElapsedTime(started) > timeout)
            {
                throw new CliException(
                    ExitCode.Failed, $"not ready after {timeout.TotalSeconds:0} s; the logs are {string.Join(", ", Nodes.Select(n => n.LogPath))}");
            }

            bool[] answers = await Task.WhenAll(Nodes.Select((n, i) => ready[i] ? Task.FromResult(true) : n.IsReadyAsync()));
            answers.CopyTo(ready, 0);
            if (ready.Contains(false)) { await Task.Delay(50, stop); }
        }
    }

    /// <summary>Asks all nodes for their status.</summary>
    public async Task AskAsync()
    {
        await Task.WhenAll(Nodes.Select(n => n.AskAsync()));
        long now = Stopwatch.GetTimestamp();
        long revision = Revision;
        if (_lastAsked != 0 && revision >= _lastRevision)
        {
            WritesPerSecond = (revision - _lastRevision) / Stopwatch.GetElapsedTime(_lastAsked, now).TotalSeconds;
        }

        if (revision == 0) { return; } // Nobody answered: the rate is told from the last answer on.
        _lastRevision = revision;
        _lastAsked = now;
    }

    /// <summary>Starts nodes that do not run.</summary>
    /// <returns>Those that were started.</returns>
    public DevNode[] RestartDead()
    {
        DevNode[] dead = [.. Nodes.Where(n => !n.IsRunning)];
        foreach (DevNode node in dead) { node.Start(); }
        return dead;
    }

    /// <summary>Stops all nodes, gracefully for some seconds.</summary>
    public async Task StopAsync()
    {
        foreach (DevNode node in Nodes) { node.BeginStop(); }
        await Task.WhenAll(Nodes.Select(n => n.EndAsync(TimeSpan.FromSeconds(15))));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DevNode node in Nodes)
        {
            node.Kill();
            node.Dispose();
        }
    }
}
