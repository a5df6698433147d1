using System.Diagnostics;
using System.Text;
using Quorate.Core;
using Quorate.Node;
using Quorate.Node.Files;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.Node;

/*
 * The kernel's own error code comes back from fdatasync: injected by strace into a child process, because nothing in this
 * process could show that the call is really made and its result really looked at. (The class library's flush returns
 * normally in the same situation; LD_PRELOAD does not reach a function that was looked up in libc's own handle.)
 *
 * The child is this test assembly, running one of the two methods at the end.
 */
public sealed class RealSyncFailureTests
{
    private const string ReportVariable = "QUORATE_TEST_CHILD_REPORT";
    private const string Strace = "/usr/bin/strace";

    [Theory]
    [InlineData("EIO", DiskFault.Failed)]
    [InlineData("ENOSPC", DiskFault.Full)]
    public void An_error_of_fdatasync_is_seen_with_its_reason(string errno, DiskFault fault)
    {
        string report = RunChild($"fdatasync:error={errno}:when=2", nameof(Child_that_syncs_a_file_twice));
        Assert.Equal($"synced, {fault} sync of file", report);
    }

    [Theory]
    [InlineData("EIO")]
    [InlineData("ENOSPC")]
    public void A_node_whose_log_cannot_be_synced_stops_and_acknowledges_nothing_after_it(string errno)
    {
        string report = RunChild($"fdatasync:error={errno}:when=40+", nameof(Child_node_that_commits_until_it_dies));
        Assert.Matches("^acknowledged [1-9][0-9]*, then Unknown, exit code 1, then Stopping, recovered all$", report);
    }

    [Fact(Explicit = true)]
    public void Child_that_syncs_a_file_twice()
    {
        using var directory = new TempDirectory();
        var files = new RealFileSystem(directory.Path);
        using IFile file = files.Open("file", OpenMode.Create);
        file.Write(0, "x"u8);
        file.Sync();
        file.Write(1, "y"u8);
        DiskException e = Assert.Throws<DiskException>(file.Sync);
        Report($"synced, {e.Fault} {e.Operation} of {e.FilePath}");
    }

    [Fact(Explicit = true)]
    public void Child_node_that_commits_until_it_dies()
    {
        using var nodes = new Nodes(1);
        NodeRuntime node = nodes.Start(1);
        int acknowledged = 0;
        ProposeResult result;
        while ((result = Nodes.Propose(node, $"key{acknowledged} {acknowledged}")).Outcome != RequestOutcome.Unknown)
        {
            if (result.Outcome == RequestOutcome.Done) { acknowledged++; }
            Assert.True(acknowledged < 10_000, "no sync failed");
        }

        FatalError fatal = Nodes.Result(node.Fatal);
        RequestOutcome after = Nodes.Propose(node, "late 1").Outcome;
        nodes.Stop(1);

        // The files as they are, read by a node of which only the log is looked at: its own syncs would fail too.
        bool hasAll = HasAll(nodes.DirectoryOf(1), acknowledged);
        Report($"acknowledged {acknowledged}, then {result.Outcome}, exit code {fatal.ExitCode}, then {after}, " +
            (hasAll ? "recovered all" : "lost some"));
    }

    private static bool HasAll(string directory, int acknowledged)
    {
        byte[] log = [.. Directory.GetFiles(Path.Combine(directory, "wal"), "*", SearchOption.AllDirectories).Order().SelectMany(File.ReadAllBytes)];
        return Enumerable.Range(0, acknowledged).All(i => log.AsSpan().IndexOf(Encoding.UTF8.GetBytes($"key{i} {i}")) >= 0);
    }

    private static void Report(string line)
    {
        if (Environment.GetEnvironmentVariable(ReportVariable) is { } path) { File.WriteAllText(path, line); }
    }

    private static string RunChild(string injection, string method)
    {
        Assert.SkipUnless(File.Exists(Strace), "strace is not installed: no error can be injected into a system call");
        Assert.SkipUnless(MayTrace(), "strace may not trace processes here");
        using var directory = new TempDirectory();
        string report = Path.Combine(directory.Path, "report");
        (int exitCode, string output) = Run(
            ["-f", "-qq", "-o", Path.Combine(directory.Path, "trace"), "-e", "trace=fdatasync", "-e", $"inject={injection}",
                Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
                "exec", typeof(RealSyncFailureTests).Assembly.Location,
                "-explicit", "only", "-method", $"{typeof(RealSyncFailureTests).FullName}.{method}"],
            report);
        Assert.True(File.Exists(report), $"the child ended with {exitCode} and no report:\n{output}");
        return File.ReadAllText(report);
    }

    private static bool MayTrace() => Run(["-qq", "-e", "trace=none", "true"], report: "").ExitCode == 0;

    private static (int ExitCode, string Output) Run(string[] arguments, string report)
    {
        var start = new ProcessStartInfo(Strace, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[ReportVariable] = report;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail("the child did not end");
        }

        return (process.ExitCode, output.Result + errors.Result);
    }
}
