using Quorate.Cli;
using Quorate.Host;
using Quorate.Node.Files;
using Quorate.Settings;
using Quorate.Tests.Node;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class AutoTlsTests
{
    // Goal: a second start on the data directory of a server that runs does not touch that server's certificates.
    [Fact]
    public async Task A_refused_start_makes_no_certificates()
    {
        using var directory = new TempDirectory();
        using DataDirectoryLock held = DataDirectoryLock.Take(directory.Path);
        (string Flag, string Value)[] flags =
        [
            ("data-dir", directory.Path), ("listen-client-urls", "https://127.0.0.1:2379"), ("auto-tls", "true"),
        ];
        var problems = new List<string>();
        ServerSettings settings = SettingsBuilder.Build(
            SettingsDefaults.Start, problems,
            flags.Select(static f => new RawSetting(SettingKeys.All.Single(k => k.Flag == f.Flag), f.Value, $"--{f.Flag}")));
        Assert.Empty(problems);
        Assert.Equal(ExitCode.Precondition, await ServerHost.RunAsync(settings, new RecordingLog(), TestContext.Current.CancellationToken));
        Assert.False(Directory.Exists(Path.Combine(directory.Path, "tls")));
    }
}
