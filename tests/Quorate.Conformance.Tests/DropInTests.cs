using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>What scripts, unit files and test harnesses written for etcd do: start a program called etcd, and see etcd.</summary>
public sealed class DropInTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-dropin-").FullName;

    private string Etcd => Path.Combine(_directory, "etcd");

    public DropInTests() =>
        File.CreateSymbolicLink(Etcd, Path.Combine(AppContext.BaseDirectory, "quorate"));

    // Goal: Debian's unit with its environment file: a link named etcd, ETCD_* variables, Type=notify, and an end by the signal as etcd's.
    [Fact]
    public async Task A_link_named_etcd_runs_from_debians_unit()
    {
        string etcdctl = Tool.Find("etcdctl");
        int[] ports = ServerProcess.FreePorts(3);
        string Url(int port) => $"http://127.0.0.1:{ports[port].ToString(CultureInfo.InvariantCulture)}";
        string socketPath = Path.Combine(_directory, "notify");
        using var notify = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.Bind(new UnixDomainSocketEndPoint(socketPath));
        notify.ReceiveTimeout = 60_000;
        var start = new ProcessStartInfo(Etcd) { RedirectStandardError = true, RedirectStandardOutput = true };
        Tool.RemoveOurVariables(start);
        foreach (string line in $"""
            ETCD_NAME=host1
            ETCD_DATA_DIR={_directory}/data
            ETCD_LISTEN_CLIENT_URLS={Url(0)}
            ETCD_ADVERTISE_CLIENT_URLS={Url(0)}
            ETCD_LISTEN_PEER_URLS={Url(1)}
            ETCD_INITIAL_ADVERTISE_PEER_URLS={Url(1)}
            ETCD_INITIAL_CLUSTER=host1={Url(1)}
            ETCD_LISTEN_METRICS_URLS={Url(2)}
            ETCD_AUTO_COMPACTION_RETENTION=1
            ETCD_LOG_OUTPUTS=stderr,{_directory}/log
            DAEMON_ARGS=
            """.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            start.Environment[line.Split('=')[0]] = line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..];
        }

        start.Environment["NOTIFY_SOCKET"] = socketPath;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            byte[] buffer = new byte[100];
            Assert.Equal("READY=1", Encoding.ASCII.GetString(buffer, 0, notify.Receive(buffer)));
            Assert.Equal("OK\n", Tool.Run(etcdctl, ["--endpoints", Url(0), "put", "a", "1"]).Succeeded());
            using var http = new HttpClient();
            Assert.Contains(
                "\netcd_server_has_leader 1\n", await http.GetStringAsync(new Uri(Url(2) + "/metrics"), TestContext.Current.CancellationToken),
                StringComparison.Ordinal);
            Tool.Run("/bin/kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]).Succeeded();
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
        }
        finally
        {
            process.Kill();
        }

        // etcd ends itself by the signal that it has served; .NET tells 128 + 15.
        Assert.Equal(143, process.ExitCode);
        string log = await error;
        JsonElement[] lines = [.. log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.Contains(lines, l => l.GetProperty("msg").GetString() == "ready to serve client requests" && l.GetProperty("level").GetString() == "info");
        Assert.Equal("stopped", lines[^1].GetProperty("msg").GetString());
        Assert.Equal(log, File.ReadAllText(Path.Combine(_directory, "log")));
    }

    // Goal: what harnesses cut out of the version, and what they see of a wrong flag, is etcd's.
    [Fact]
    public void Version_help_and_wrong_flags_are_etcds()
    {
        Assert.Matches("^etcd Version: 3\\.[0-9]+\\.[0-9]+\nGit SHA: .+\nGo Version: .+\nGo OS/Arch: linux/", Tool.Run(Etcd, ["--version"]).Succeeded());
        Assert.Contains("--initial-cluster-state", Tool.Run(Etcd, ["-h"]).Succeeded(), StringComparison.Ordinal);
        string real = Tool.Find("etcd");
        foreach (string[] wrong in new string[][] { ["--bogus"], ["-name"] })
        {
            Tool.Result theirs = Tool.Run(real, wrong);
            Tool.Result ours = Tool.Run(Etcd, wrong);
            Assert.Equal(theirs.ExitCode, ours.ExitCode);
            Assert.Equal(theirs.Error.Split('\n')[..4], ours.Error.Split('\n')[..4]);
        }
    }

    // Goal: the leader compacts by itself what is older than the retention.
    [Fact]
    public void History_older_than_the_retention_is_compacted()
    {
        string etcdctl = Tool.Find("etcdctl");
        using ClusterProcesses cluster = ClusterProcesses.StartReady(1, "--auto-compaction-retention=1s");
        for (int i = 0; i < 5; i++) { Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "put", "a", $"{i}"]).Succeeded(); }
        cluster.Servers[0].WaitForLog("event=auto-compacted revision=6");
        Tool.Result old = Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "get", "a", "--rev=3"]);
        Assert.Contains("required revision has been compacted", old.Error, StringComparison.Ordinal);
        Assert.Equal("a\n4\n", Tool.Run(etcdctl, ["--endpoints", cluster.Endpoints, "get", "a"]).Succeeded());
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
