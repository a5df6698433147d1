using System.Globalization;
using Quorate.Conformance.Tests.Faults;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>A data directory that is not this server's to use: another cluster's, another member's, another process's.</summary>
public sealed class ForeignDirectoryTests(StoppedNode node) : IClassFixture<StoppedNode>
{
    private const int Precondition = 3;

    // Goal: a server never writes into another's directory. Who has it is told by its ids.
    [Theory]
    [InlineData("--initial-cluster-token")]
    [InlineData("--name")]
    [InlineData("--initial-cluster")]
    public void Another_clusters_or_members_directory_is_refused(string flag)
    {
        ServerProcess own = node.Cluster.Servers[0];
        string[] arguments = [.. own.Arguments];
        string peer = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{own.PeerPort}");
        int other = ServerProcess.FreePorts(1)[0];
        switch (flag)
        {
            case "--initial-cluster-token":
                Set(arguments, flag, "another");
                break;
            case "--initial-cluster":
                // The same member in a larger cluster.
                Set(arguments, flag, $"n0={peer},n1=http://127.0.0.1:{other}");
                break;
            default:
                // Another member of a cluster on the same machine.
                Set(arguments, flag, "n1");
                Set(arguments, "--initial-cluster", $"n0={peer},n1=http://127.0.0.1:{other}");
                Set(arguments, "--listen-peer-urls", $"http://127.0.0.1:{other}");
                Set(arguments, "--initial-advertise-peer-urls", $"http://127.0.0.1:{other}");
                break;
        }

        string before = DirectoryImage.Of(node.Pristine);
        using var stranger = new ServerProcess("stranger", own.ClientPort, own.PeerPort, arguments);
        (int code, string log) = stranger.StartAndFail();
        Assert.Contains("the data directory belongs to cluster ", log, StringComparison.Ordinal);
        Assert.Equal(Precondition, code);
        Assert.Equal(before, DirectoryImage.Of(node.Pristine));
        FaultRecord.Book("O6", "refusal");
    }

    // Goal: two processes never use one directory; the second is told which process has it, and the first does not notice.
    [Fact]
    public async Task A_directory_in_use_is_refused_with_the_process_that_has_it()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(1);
        ServerProcess first = cluster.Servers[0];
        int[] ports = ServerProcess.FreePorts(1);
        string[] arguments = [.. first.Arguments];
        Set(arguments, "--listen-client-urls", $"http://127.0.0.1:{ports[0]}");

        // It would find its peer port taken before it finds the directory taken, so it listens on another address of loopback.
        Set(arguments, "--listen-peer-urls", $"http://127.0.0.2:{first.PeerPort}");
        using var second = new ServerProcess("second", ports[0], first.PeerPort, arguments);
        (int code, string log) = second.StartAndFail();
        Assert.Contains($"is in use by process {first.ProcessId}", log, StringComparison.Ordinal);
        Assert.Equal(Precondition, code);
        using var client = new KeyValues(first);
        await client.PutManyAsync("still/", 1, 3);
        await client.ExpectManyAsync("still/", 1, 3);
        FaultRecord.Book("D17", "refusal");
    }

    private static void Set(string[] arguments, string flag, string value) => arguments[Array.IndexOf(arguments, flag) + 1] = value;
}
