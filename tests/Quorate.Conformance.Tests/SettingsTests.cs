using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Wrong settings: all named at once in the operator's words, exit code 2, and nothing is created.</summary>
public sealed class SettingsTests : IDisposable
{
    private const int Usage = 2;

    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-conformance-").FullName;

    private string DataDirectory => Path.Combine(_directory, "above", "data");

    [Fact]
    public void Start_names_all_that_is_wrong_at_once() => Refused(
        [
            "start", "--name", "a=b", "--data-dir", DataDirectory, "--listen-client-urls", "htp://127.0.0.1:1",
            "--listen-peer-urls", "http://10.1.2.3:99999", "--election-timeout", "50", "--snapshot-count", "-5",
            "--mem-table-bytes", "1e6", "--wal-segment-bytes", "65537", "--initial-cluster-state", "old", "--log-format", "xml",
        ],
        "--name", "--listen-client-urls", "--listen-peer-urls", "--election-timeout", "--snapshot-count", "--mem-table-bytes",
        "--wal-segment-bytes", "--initial-cluster-state", "--log-format");

    [Fact]
    public void Etcd_names_all_that_is_wrong_at_once() => Refused(
        [
            "etcd", "--name", "x", "--data-dir", DataDirectory, "--listen-client-urls", "http://127.0.0.1:0x1",
            "--initial-cluster", "a=http://127.0.0.1:1,b", "--heartbeat-interval", "ten", "--election-timeout=99999999",
            "--initial-cluster-state", "maybe",
        ],
        "--listen-client-urls", "--initial-cluster has 'b'", "--heartbeat-interval", "--election-timeout", "--initial-cluster-state");

    [Fact]
    public void A_name_that_the_cluster_does_not_have_is_told() => Refused(
        ["etcd", "--name", "c", "--data-dir", DataDirectory, "--initial-cluster", "a=http://127.0.0.1:1,b=http://127.0.0.1:2"],
        "--name is 'c', which --initial-cluster does not name; it has a, b");

    [Theory]
    [InlineData("start", "--nmae")]
    [InlineData("start", "--data-directory")]
    [InlineData("etcd", "--nmae")]
    public void An_unknown_flag_is_told(string verb, string flag) =>
        Refused([verb, "--data-dir", DataDirectory, flag, "x"], flag.TrimStart('-'));

    [Theory]
    [InlineData("start")]
    [InlineData("etcd")]
    public void Ports_in_use_are_told_both(string verb)
    {
        using var clients = new TcpListener(IPAddress.Loopback, 0);
        using var peers = new TcpListener(IPAddress.Loopback, 0);
        clients.Start();
        peers.Start();
        Refused(
            [
                verb, "--data-dir", DataDirectory, "--listen-client-urls", $"http://{clients.LocalEndpoint}",
                "--advertise-client-urls", $"http://{clients.LocalEndpoint}", "--listen-peer-urls", $"http://{peers.LocalEndpoint}",
                "--initial-advertise-peer-urls", $"http://{peers.LocalEndpoint}",
                "--initial-cluster", $"default=http://{peers.LocalEndpoint}",
            ],
            $"--listen-client-urls has http://{clients.LocalEndpoint}, but port {((IPEndPoint)clients.LocalEndpoint).Port} is taken",
            $"--listen-peer-urls has http://{peers.LocalEndpoint}, but port {((IPEndPoint)peers.LocalEndpoint).Port} is taken");
    }

    [Fact]
    public void A_file_with_unknown_keys_is_told_line_by_line()
    {
        string file = Write("{\n  \"dataDir\": \"" + DataDirectory + "\",\n  \"nmae\": \"a\",\n  \"snapshotCount\": \"many\",\n  \"tls\": null\n}");
        Refused(["start", "--config", file], $"{file} line 3: there is no setting 'nmae'; did you mean name", $"{file} line 4", $"{file} line 5");
    }

    [Theory]
    [InlineData("{\n  \"name\": \"a\",\n  \"snapshotCount\" 5\n}", 3)]
    [InlineData("{\n  \"name\": \"a\"\n", 3)]
    [InlineData("[]", 1)]
    [InlineData("", 1)]
    [InlineData("not json", 1)]
    public void A_file_that_is_no_json_is_told_with_its_line(string text, int line)
    {
        string file = Write(text);
        Refused(["start", "--config", file, "--data-dir", DataDirectory], $"{file} line {line}");
    }

    [Fact]
    public void A_file_that_is_not_there_or_far_too_large_is_told()
    {
        string missing = Path.Combine(_directory, "missing.json");
        Refused(["start", "--config", missing, "--data-dir", DataDirectory], missing);
        string large = Write("{}" + new string(' ', 10_000_000));
        Refused(["start", "--config", large, "--data-dir", DataDirectory], large, "1048576");
    }

    [Fact]
    public void A_data_directory_below_a_file_is_told()
    {
        string file = Write("x");
        Refused(["start", "--data-dir", Path.Combine(file, "data"), "--log-format", "xml"], "--data-dir", "--log-format");
        Assert.Equal("x", File.ReadAllText(file));
        File.Delete(file);
    }

    // Goal: asking is not doing.
    [Fact]
    public void Check_creates_nothing()
    {
        int[] ports = ServerProcess.FreePorts(2);
        Tool.Result result = Tool.Quorate(
            "start", "--check", "--data-dir", DataDirectory, "--listen-client-urls", $"http://127.0.0.1:{ports[0]}",
            "--listen-peer-urls", $"http://127.0.0.1:{ports[1]}");
        Assert.Equal("The settings are good.\n", result.Succeeded());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Write(string text)
    {
        string path = Path.Combine(_directory, "settings.json");
        File.WriteAllText(path, text);
        return path;
    }

    private void Refused(string[] arguments, params string[] named)
    {
        Tool.Result result = Tool.Quorate(arguments);
        string said = result.Output + result.Error;
        Assert.All(named, name => Assert.Contains(name, said, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        Assert.Equal(Usage, result.ExitCode);
        Assert.False(Directory.Exists(Path.GetDirectoryName(DataDirectory)), "it has created the data directory");
    }
}
