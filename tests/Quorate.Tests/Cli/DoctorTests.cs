using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Quorate.Certs;
using Quorate.Doctor;
using Quorate.Node.Files;
using Quorate.Settings;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class DoctorTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-doctor-").FullName;

    // Goal: each judgement has three answers, and whatever is not well says why and what to do.
    [Fact]
    public void Limits_are_judged()
    {
        Finding[] files = [MachineChecks.Files(65_536), MachineChecks.Files(4096), MachineChecks.Files(256)];
        Finding[] syncs = [DiskChecks.Sync(Times(0.1)), DiskChecks.Sync(Times(20)), DiskChecks.Sync(Times(200))];
        Finding[] rooms =
            [DiskChecks.Room("/d", new(100L << 30, 50L << 30)), DiskChecks.Room("/d", new(100L << 30, 1L << 30)), DiskChecks.Room("/d", new(100L << 30, 1L << 20))];
        foreach (Finding[] findings in new[] { files, syncs, rooms })
        {
            Assert.Equal([Verdict.Ok, Verdict.Warning, Verdict.Problem], findings.Select(f => f.Verdict));
            Assert.All(findings[1..], f => Assert.True(f.Why.Length > 0 && f.Next.Length > 0));
        }

        Assert.Equal(Verdict.Warning, MachineChecks.Memory(100L << 20).Verdict);
        Assert.NotEqual(Verdict.Problem, MachineChecks.Clock().Verdict);
    }

    // Goal: one slow sync in a hundred is seen though the others are fast.
    [Fact]
    public void The_slowest_of_a_hundred_syncs_counts()
    {
        TimeSpan[] times = [.. Times(0.1)[..97], .. Times(50)[..3]];
        Assert.Equal(Verdict.Warning, DiskChecks.Sync(times).Verdict);
    }

    // Goal: what is in the directory is told apart, and looking changes nothing in it.
    [Fact]
    public void The_directory_is_recognized_and_left_as_it_is()
    {
        Assert.Contains("not there yet", FindingOf("new").What, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_directory, "new")));
        Assert.Contains("is empty", FindingOf("empty", create: true).What, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_directory, "empty")));

        Directory.CreateDirectory(Path.Combine(_directory, "etcd", "member"));
        Assert.Equal(Verdict.Problem, FindingOf("etcd").Verdict);
        Directory.CreateDirectory(Path.Combine(_directory, "foreign"));
        File.WriteAllText(Path.Combine(_directory, "foreign", "a.txt"), "");
        Assert.Equal(Verdict.Warning, FindingOf("foreign").Verdict);

        Directory.CreateDirectory(Path.Combine(_directory, "used"));
        using (DataDirectoryLock.Take(Path.Combine(_directory, "used"))) { Assert.Contains("in use by", FindingOf("used").What, StringComparison.Ordinal); }
        Assert.Contains("a stopped server's", FindingOf("used").What, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_directory, "file"), "");
        Assert.Equal(Verdict.Problem, FindingOf("file").Verdict);
    }

    [Theory]
    [InlineData(400, Verdict.Ok)]
    [InlineData(10, Verdict.Warning)]
    [InlineData(-1, Verdict.Problem)]
    internal void Certificates_are_judged_by_the_days_left(int days, Verdict expected)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        CertificateFiles.WriteNew(_directory, "c", CertificateMaker.SelfSigned("x", ["localhost"], now, TimeSpan.FromDays(365)));
        DateTimeOffset asked = now + TimeSpan.FromDays(365 - days);
        Assert.Equal(expected, SettingChecks.Certificate(CertificateFiles.Certificate(_directory, "c"), asked).Verdict);
    }

    // Goal: a taken port, an unreachable member, an even number of members and a wrong value are all in one report.
    [Fact]
    public async Task A_report_has_all_that_is_wrong()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        string url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}");
        var settings = new ServerSettings
        {
            DataDir = Path.Combine(_directory, "d"),
            ListenClientUrls = [Url(url)],
            InitialCluster = [new("default", Url("http://localhost:2380"), new(1)), new("b", Url("http://127.0.0.1:1"), new(2))],
        };
        List<Finding> findings = await DoctorCommand.ExamineAsync(settings, []);
        Assert.Contains(findings, f => f is { Check: "ports-and-files", Verdict: Verdict.Problem } && f.What.Contains("is taken", StringComparison.Ordinal));
        Assert.Contains(findings, f => f is { Check: "peers", Verdict: Verdict.Warning });
        Assert.Contains(findings, f => f is { Check: "settings", Verdict: Verdict.Warning } && f.What.Contains("2 members", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.Check == "fsync");

        findings = await DoctorCommand.ExamineAsync(settings, ["--name is wrong."]);
        Assert.Contains(findings, f => f is { Check: "settings", Verdict: Verdict.Problem, What: "--name is wrong." });
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static TimeSpan[] Times(double milliseconds) => [.. Enumerable.Repeat(TimeSpan.FromMilliseconds(milliseconds), 100)];

    private static ServerUrl Url(string text)
    {
        Assert.Null(ServerUrl.TryParse(text, out ServerUrl? url));
        return url!;
    }

    private Finding FindingOf(string name, bool create = false)
    {
        string path = Path.Combine(_directory, name);
        if (create) { Directory.CreateDirectory(path); }
        return DiskChecks.All(path).First(f => f.Check == "data-directory");
    }
}
