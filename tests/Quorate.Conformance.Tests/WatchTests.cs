using System.Diagnostics;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Watches, with clients that others wrote, beside the real etcd.</summary>
public sealed class WatchTests
{
    private const string Python = """
        import sys, etcd3
        c = etcd3.client(host='127.0.0.1', port=int(sys.argv[1]), timeout=10)
        c.delete_prefix('py/w/')
        def told(events, count):
            return [(type(e).__name__, e.key, e.value) for e in (next(events) for _ in range(count))]
        expected = [('PutEvent', b'py/w/a', b'1'), ('PutEvent', b'py/w/b', b'2'), ('DeleteEvent', b'py/w/a', b'')]
        events, cancel = c.watch_prefix('py/w/')
        c.put('py/w/a', '1'); first = c.get('py/w/a')[1].mod_revision
        c.put('py/w/b', '2'); c.delete('py/w/a')
        assert told(events, 3) == expected
        cancel()
        events, cancel = c.watch_prefix('py/w/', start_revision=first)
        assert told(events, 3) == expected
        one, cancel_one = c.watch('py/w/b', prev_kv=True)
        c.put('py/w/b', '3')
        assert told(one, 1) == told(events, 1) == [('PutEvent', b'py/w/b', b'3')]
        cancel(); cancel_one()
        print('python ok')
        """;

    // Made once, then watched from the past. The last one is what each watch is read up to.
    private static readonly string[][] Writes =
        [["put", "w/a", "1"], ["put", "w/a", "2"], ["put", "w/b", "1"], ["put", "x", "1"], ["del", "w/a"], ["del", "--prefix", "w/"], ["put", "w/end", "end"]];

    private static readonly string[][] Watches =
    [
        ["--prefix", "w/", "--rev=2"], ["--prefix", "w/", "--rev=4"], ["--prefix", "w/", "--rev=2", "--prev-kv"], ["w/", "w0", "--rev=3"],
        ["w/end", "--rev=2"], ["--prefix", "", "--rev=2"],
    ];

    // Goal: etcdctl prints of our watches what it prints of etcd's, whichever node it asks.
    [Fact]
    public async Task Etcdctl_is_told_by_every_node_what_etcd_tells()
    {
        string etcdctl = Tool.Find("etcdctl");
        using var etcd = new RealEtcd(Tool.Find("etcd"));
        using ClusterProcesses ours = ClusterProcesses.StartReady(3);
        await ours.FindLeaderAsync();
        etcd.WaitUntilReady(etcdctl);
        foreach (string[] write in Writes)
        {
            Tool.Run(etcdctl, ["--endpoints", etcd.Endpoint, .. write]).Succeeded();
            Tool.Run(etcdctl, ["--endpoints", ours.Endpoints, .. write]).Succeeded();
        }

        string expected = await Watch(etcdctl, etcd.Endpoint);
        Assert.Contains("progress notify: 8", expected, StringComparison.Ordinal);
        foreach (ServerProcess server in ours.Servers) { Assert.Equal(expected, await Watch(etcdctl, $"127.0.0.1:{server.ClientPort}")); }

        Tool.Run(etcdctl, ["--endpoints", etcd.Endpoint, "compact", "5"]).Succeeded();
        Tool.Run(etcdctl, ["--endpoints", ours.Endpoints, "compact", "5"]).Succeeded();
        string refused = Refused(etcdctl, etcd.Endpoint);
        Assert.Contains("required revision has been compacted", refused, StringComparison.Ordinal);
        foreach (ServerProcess server in ours.Servers) { Assert.Equal(refused, Refused(etcdctl, $"127.0.0.1:{server.ClientPort}")); }
    }

    [Fact]
    public async Task Python_etcd3_watches_through_every_node()
    {
        string python = Tool.FindPythonWithEtcd3();
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        await cluster.FindLeaderAsync();
        foreach (ServerProcess server in cluster.Servers)
        {
            Assert.Equal("python ok\n", Tool.Run(python, ["-c", Python, $"{server.ClientPort}"]).Succeeded());
        }
    }

    private static async Task<string> Watch(string etcdctl, string endpoint)
    {
        var text = new List<string>();
        foreach (string[] watch in Watches)
        {
            using var process = new Watching(etcdctl, ["--endpoints", endpoint, "watch", .. watch]);
            text.Add($"{string.Join(' ', watch)}: {await process.ReadTo("end")}");
        }

        using var talking = new Watching(etcdctl, ["--endpoints", endpoint, "watch", "-i"]);
        talking.Say("watch --prefix w/ --rev=2");
        text.Add(await talking.ReadTo("end"));
        talking.Say("progress");
        text.Add(await talking.ReadTo("progress notify: 8"));
        return string.Join('\n', text);
    }

    // Linearizable first: the node has heard of the compaction.
    private static string Refused(string etcdctl, string endpoint)
    {
        Tool.Run(etcdctl, ["--endpoints", endpoint, "get", "x"]).Succeeded();
        Tool.Result result = Tool.Run(etcdctl, ["--endpoints", endpoint, "watch", "--prefix", "w/", "--rev=4"]);
        return $"{result.ExitCode} {result.Output}{result.Error}";
    }

    // An etcdctl that does not end by itself.
    private sealed class Watching : IDisposable
    {
        private readonly Process _process;

        public Watching(string etcdctl, IEnumerable<string> arguments)
        {
            var start = new ProcessStartInfo(etcdctl, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true };
            start.Environment["ETCDCTL_API"] = "3";
            _process = Process.Start(start)!;
        }

        public void Say(string line) => _process.StandardInput.WriteLine(line);

        public async Task<string> ReadTo(string last)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var lines = new List<string>();
            while (lines.Count == 0 || lines[^1] != last)
            {
                string? line = await _process.StandardOutput.ReadLineAsync(patience.Token);
                Assert.True(line is not null, $"etcdctl ended after: {string.Join('\n', lines)}");
                lines.Add(line);
            }

            return string.Join('\n', lines);
        }

        public void Dispose()
        {
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
