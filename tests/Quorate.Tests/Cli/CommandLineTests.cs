using System.CommandLine;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.Kv;
using Xunit;

namespace Quorate.Tests.Cli;

public class CommandLineTests
{
    [Theory]
    [InlineData(GrpcStatus.Unavailable, false, true, ExitCode.CannotConnect)]
    [InlineData(GrpcStatus.Unavailable, true, true, ExitCode.OutcomeUnknown)]
    [InlineData(GrpcStatus.Unavailable, true, false, ExitCode.Failed)]
    [InlineData(GrpcStatus.DeadlineExceeded, true, true, ExitCode.OutcomeUnknown)]
    [InlineData(GrpcStatus.DeadlineExceeded, true, false, ExitCode.Failed)]
    [InlineData(GrpcStatus.OutOfRange, true, false, ExitCode.Precondition)]
    [InlineData(GrpcStatus.FailedPrecondition, true, true, ExitCode.Precondition)]
    [InlineData(GrpcStatus.NotFound, true, true, ExitCode.Precondition)]
    [InlineData(GrpcStatus.InvalidArgument, true, true, ExitCode.Usage)]
    [InlineData(GrpcStatus.DataLoss, true, false, ExitCode.Integrity)]
    [InlineData(GrpcStatus.ResourceExhausted, true, true, ExitCode.Failed)]
    [InlineData(GrpcStatus.Unimplemented, true, true, ExitCode.Failed)]
    internal void Failures_have_the_promised_exit_codes(GrpcStatus status, bool wasSent, bool isWrite, ExitCode expected) =>
        Assert.Equal(expected, CommandLine.CodeOf(new EtcdRpcException(status, "", wasSent), isWrite));

    // Goal: a write that the server refused before it did anything is no write of unknown outcome, though its status is that of one;
    // nor is one that reached no server, whatever ended the wait.
    [Fact]
    public void What_certainly_did_not_happen_is_not_told_as_unknown()
    {
        EtcdRpcException refused = new(EtcdErrors.NoLeader.Status, EtcdErrors.NoLeader.Message, wasSent: true);
        Assert.Equal(ExitCode.Failed, CommandLine.CodeOf(refused, isWrite: true));
        Assert.Equal(ExitCode.OutcomeUnknown, CommandLine.CodeOf(new(EtcdErrors.NoLeader.Status, "etcdserver: server stopped", wasSent: true), isWrite: true));
        Assert.Equal(ExitCode.CannotConnect, CommandLine.CodeOf(new(GrpcStatus.DeadlineExceeded, "", wasSent: false), isWrite: true));
    }

    [Fact]
    public void Exit_codes_are_the_numbers_that_scripts_know() =>
        Assert.Equal([0, 1, 2, 3, 4, 5, 10, 12], Enum.GetValues<ExitCode>().Select(c => (int)c));

    [Fact]
    public void Status_reports_the_worst()
    {
        var endpoint = new Uri("http://127.0.0.1:1");
        var well = new EndpointStatus(endpoint, null, "ok", 1, true);
        var ill = new EndpointStatus(endpoint, null, "no leader", 1, true);
        var gone = new EndpointStatus(endpoint, null, "refused", 0, false);
        Assert.Equal(ExitCode.Ok, StatusCommand.CodeOf([well, well]));
        Assert.Equal(ExitCode.Unhealthy, StatusCommand.CodeOf([well, ill]));
        Assert.Equal(ExitCode.Unhealthy, StatusCommand.CodeOf([well, gone]));
        Assert.Equal(ExitCode.CannotConnect, StatusCommand.CodeOf([gone, gone]));
    }

    [Fact]
    public async Task Every_verb_has_help_with_examples_and_exit_codes()
    {
        foreach (string[] verb in Verbs(CommandLine.Create(), []))
        {
            (int code, string output, string error) = await RunAsync([.. verb, "--help"]);
            Assert.Equal(0, code);
            Assert.Empty(error);
            Assert.Contains("Examples:", output, StringComparison.Ordinal);
            Assert.Contains("quorate " + string.Join(' ', verb), output, StringComparison.Ordinal);
            if (verb[0] != "etcd") { Assert.Contains("Exit codes:", output, StringComparison.Ordinal); }
        }
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("kv", "get")]
    [InlineData("kv", "get", "a", "--limit", "many")]
    [InlineData("start", "--bogus")]
    [InlineData("status", "--format", "xml")]
    [InlineData("status", "--timeout", "-1")]
    [InlineData("status", "--endpoints", "ftp://127.0.0.1:1")]
    [InlineData("status", "--cacert", "/nowhere/ca.crt")]
    [InlineData("kv", "get", "a", "--cert", "a.crt")]
    [InlineData("cert", "node", "../a")]
    [InlineData("cert", "node", "a", "--hosts", "a b")]
    [InlineData("kv", "get", "a", "b", "--prefix")]
    [InlineData("watch", "a", "b", "--prefix")]
    [InlineData("bench", "put", "--clients", "0")]
    [InlineData("bench", "put", "--keyspaces", "2", "--keyspace", "a")]
    [InlineData("bench", "put", "--distribution", "odd")]
    [InlineData("bench", "watch", "--watchers", "1", "--keys", "2")]
    [InlineData("bench", "range", "--range-size", "0")]
    [InlineData("bench", "ycsb", "g")]
    [InlineData("bench", "engine", "fillslow")]
    [InlineData("bench", "engine", "fillseq", "--threads", "0", "--key-size", "4")]
    [InlineData("dev", "--nodes", "9")]
    [InlineData("start", "--heartbeat-interval", "0", "--check")]
    [InlineData("etcd", "--bogus")]
    [InlineData("etcd", "--heartbeat-interval", "0")]
    public async Task Wrong_usage_is_2_with_a_message_and_nothing_on_stdout(params string[] args)
    {
        (int code, string output, string error) = await RunAsync(args);
        Assert.Equal((int)ExitCode.Usage, code);
        Assert.NotEmpty(error);
        Assert.Empty(output);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_4()
    {
        using var unused = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        unused.Start();
        string endpoint = $"http://127.0.0.1:{((System.Net.IPEndPoint)unused.LocalEndpoint).Port}";
        unused.Stop();
        foreach (string[] args in new string[][] { ["kv", "get", "a"], ["kv", "put", "a", "b"], ["kv", "del", "a"], ["watch", "a"], ["status"] })
        {
            (int code, string _, string _) = await RunAsync([.. args, "--endpoints", endpoint]);
            Assert.Equal((int)ExitCode.CannotConnect, code);
        }

        (int bench, string report, string _) = await RunAsync(
            ["bench", "put", "--total", "1", "--warm-up", "0", "--endpoints", endpoint, "--format", "json"]);
        Assert.Equal((int)ExitCode.CannotConnect, bench);
        Assert.Contains("cannot connect", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_is_told_for_people_and_programs()
    {
        (int code, string text, string _) = await RunAsync(["version"]);
        Assert.Equal(0, code);
        Assert.StartsWith("version  " + BuildInfo.Version, text, StringComparison.Ordinal);
        (code, text, _) = await RunAsync(["version", "--format", "json"]);
        Assert.Equal(0, code);
        Assert.Equal(BuildInfo.Version, System.Text.Json.Nodes.JsonNode.Parse(text)!["version"]!.GetValue<string>());
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        int code = await CommandLine.RunAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private static IEnumerable<string[]> Verbs(Command command, string[] path)
    {
        foreach (Command sub in command.Subcommands)
        {
            string[] subPath = [.. path, sub.Name];
            yield return subPath;
            foreach (string[] below in Verbs(sub, subPath)) { yield return below; }
        }
    }
}
