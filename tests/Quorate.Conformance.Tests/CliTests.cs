using System.Text.Json.Nodes;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>health, doctor and completions as an operator runs them.</summary>
public sealed class CliTests
{
    private const int CannotConnect = 4;
    private const int Unhealthy = 10;

    // Goal: from well over one member lost to nobody there, the exit code and the JSON follow; --watch ends with the last look.
    [Fact]
    public async Task Health_follows_a_cluster_down()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(3);
        ServerProcess leader = await cluster.FindLeaderAsync();
        JsonNode well = JsonNode.Parse(Tool.Quorate("health", "--endpoints", cluster.Endpoints, "--format", "json").Succeeded())!;
        Assert.True(well["healthy"]!.GetValue<bool>());
        Assert.Equal(["follower", "follower", "leader"], well["endpoints"]!.AsArray().Select(e => e!["role"]!.GetValue<string>()).Order());
        Assert.Contains(
            "3 of 3 endpoints are well.", Tool.Quorate("health", "--cluster", "--endpoints", $"127.0.0.1:{leader.ClientPort}").Succeeded(), StringComparison.Ordinal);
        Assert.Equal(3, Tool.Quorate("health", "--watch", "--count", "3", "--interval", "0.1", "--format", "json", "--endpoints", cluster.Endpoints)
            .Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        leader.Kill();
        await cluster.FindLeaderAsync();
        Tool.Result lost = Tool.Quorate("health", "--endpoints", cluster.Endpoints);
        Assert.Equal(Unhealthy, lost.ExitCode);
        Assert.Contains("2 of 3 endpoints are well.", lost.Output, StringComparison.Ordinal);

        foreach (ServerProcess server in cluster.Servers.Where(s => s.IsRunning)) { server.Kill(); }
        Assert.Equal(CannotConnect, Tool.Quorate("health", "--endpoints", cluster.Endpoints).ExitCode);
    }

    // Goal: beside a running server, its own ports and directory are no findings; on a free machine nothing else is wrong either.
    [Fact]
    public void Doctor_knows_a_running_server()
    {
        using ClusterProcesses cluster = ClusterProcesses.StartReady(1);
        ServerProcess server = cluster.Servers[0];
        string[] arguments =
        [
            "doctor", "--name", "n0", "--data-dir", cluster.DataDirectoryOf(0), "--listen-client-urls", $"http://127.0.0.1:{server.ClientPort}",
            "--listen-peer-urls", $"http://127.0.0.1:{server.PeerPort}", "--format", "json",
        ];
        JsonArray findings = JsonNode.Parse(Tool.Quorate(arguments).Output)!.AsArray();
        string Of(string check) => string.Join(' ', findings.Where(f => f!["check"]!.GetValue<string>() == check).Select(f => f!.ToJsonString()));
        Assert.Contains("is in use by process", Of("data-directory"), StringComparison.Ordinal);
        Assert.DoesNotContain("problem", Of("ports-and-files"), StringComparison.Ordinal);
        Assert.Contains("a synced write takes", Of("fsync"), StringComparison.Ordinal);
        server.Stop();
        server.Start();
        server.WaitUntilReady(); // What the doctor did in its directory does not keep it from starting.
    }

    // Goal: bash, with the script sourced, completes verbs, sub-verbs and options of this very binary.
    [Theory]
    [InlineData("quorate hea", "health")]
    [InlineData("quorate kv ge", "get")]
    [InlineData("quorate lease ", "keep-alive")]
    [InlineData("quorate health --wa", "--watch")]
    [InlineData("quorate kv get --format ", "json")]
    public void Bash_completes(string line, string expected)
    {
        string bash = Tool.Find("bash");
        string script = $$"""
            export PATH="$1:$PATH"
            source <(quorate completions bash)
            COMP_LINE="$2"; COMP_POINT=${#COMP_LINE}
            read -ra COMP_WORDS <<< "$2"; [[ "$2" == *' ' ]] && COMP_WORDS+=("")
            COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
            _quorate
            printf '%s\n' "${COMPREPLY[@]}"
            complete -p quorate
            """;
        string output = Tool.Run(bash, ["-c", script, "bash", AppContext.BaseDirectory, line]).Succeeded();
        Assert.Contains(expected, output.Split('\n'));
        Assert.Contains("complete -o default -F _quorate quorate", output, StringComparison.Ordinal);
    }
}
