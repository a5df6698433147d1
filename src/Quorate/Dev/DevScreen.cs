using System.Diagnostics;
using System.Globalization;

namespace Quorate.Dev;

/// <summary>What <c>dev</c> shows: lines that stay, and on a terminal one line below them that is rewritten in place.</summary>
internal sealed class DevScreen
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(5);

    private readonly TextWriter _output;
    private readonly bool _isTerminal;
    private readonly bool _hasKeys;
    private string _shown = "";
    private string _lastState = "";
    private long _lastPlain;

    /// <summary>Creates the screen.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="isTerminal">True if a line can be rewritten.</param>
    /// <param name="hasKeys">True if keys can be read.</param>
    public DevScreen(TextWriter output, bool isTerminal, bool hasKeys)
    {
        _output = output;
        _isTerminal = isTerminal;
        _hasKeys = hasKeys;
    }

    /// <summary>The next key pressed, in lower case; zero if there is none.</summary>
    public char ReadKey() => _hasKeys && Console.KeyAvailable ? char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar) : '\0';

    /// <summary>A line that stays.</summary>
    public void Line(string text)
    {
        if (_shown.Length > 0) { _output.Write("\r\x1b[2K"); }
        _output.WriteLine(text);
        if (_shown.Length > 0) { _output.Write(_shown); }
        _output.Flush();
    }

    /// <summary>What there is, and what to type next.</summary>
    public void Ready(DevCluster cluster, TimeSpan took)
    {
        string first = cluster.Nodes[0].ClientUrl;
        Line(string.Create(CultureInfo.InvariantCulture, $"ready after {took.TotalSeconds:0.0} s"));
        Line("");
        foreach (DevNode node in cluster.Nodes)
        {
            Line($"  {node.Name}  clients {node.ClientUrl}  peers {node.PeerUrl}  pid {node.Pid}  log {node.LogPath}");
        }

        Line("");
        Line("In another terminal:");
        Line($"  export ETCDCTL_API=3 QUORATE_ENDPOINTS={cluster.Endpoints}");
        Line($"  etcdctl --endpoints {first} put greeting hello");
        Line($"  etcdctl --endpoints {cluster.Endpoints} endpoint status -w table");
        Line($"  quorate kv get greeting --endpoints {cluster.Nodes[^1].ClientUrl}");
        Line($"  quorate status --endpoints {cluster.Endpoints}");
        Line($"  quorate bench put --clients 64 --endpoints {cluster.Endpoints}");
        Line($"  curl -s {first}/version");
        Line("");
        Line(_hasKeys ? "Keys: k kill -9 the leader, r restart dead nodes, q quit" : "Ctrl-C stops all nodes.");
    }

    /// <summary>Shows the state: in place on a terminal; else a line when it changes, and every 5 s while there are writes.</summary>
    public void Status(DevCluster cluster)
    {
        int up = cluster.Nodes.Count(n => n.Status is not null);
        string state = $"leader {cluster.Leader?.Name ?? "none"}  term {cluster.Term}  up {up}/{cluster.Nodes.Length}";
        string line = string.Create(
            CultureInfo.InvariantCulture, $"{state}  revision {cluster.Revision}  {cluster.WritesPerSecond:#,0} writes/s");
        if (_isTerminal)
        {
            int width = Math.Max(20, WindowWidth() - 1); // A line that wraps cannot be rewritten.
            _shown = line.Length > width ? line[..width] : line;
            _output.Write("\r\x1b[2K" + _shown);
            _output.Flush();
            return;
        }

        bool isDue = cluster.WritesPerSecond > 0 && Stopwatch.GetElapsedTime(_lastPlain) >= PlainInterval;
        if (state == _lastState && !isDue) { return; }
        _lastState = state;
        _lastPlain = Stopwatch.GetTimestamp();
        Line(line);
    }

    /// <summary>Takes the rewritten line away: what follows is the end.</summary>
    public void EndStatus()
    {
        if (_shown.Length > 0) { _output.Write("\r\x1b[2K"); }
        _shown = "";
    }

    private static int WindowWidth()
    {
        try
        {
            int width = Console.WindowWidth;
            return width > 0 ? width : 80; // A terminal that does not know its size says 0.
        }
        catch (IOException)
        {
            return 80;
        }
    }
}
