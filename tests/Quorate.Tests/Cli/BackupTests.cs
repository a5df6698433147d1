// Goal: a directory of backups says itself what is in it, and notices what was changed; a restore takes the right files.
using Quorate.Backup;
using Quorate.Cli;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class BackupTests : IDisposable
{
    private const string Golden =
        "quorate-backup 1\n000001.dump since=0 revision=8 compacted=3 cluster=00000000000000c1 bytes=544 sha256=0aba "
        + "taken=2026-11-21T20:18:09Z by=quorate_1\ncrc32c 292455ca\n";

    private readonly string _path = Directory.CreateTempSubdirectory("quorate-backup-").FullName;

    [Fact]
    public void A_catalogue_has_this_text_for_ever_and_every_letter_counts()
    {
        var entry = new BackupEntry(
            "000001.dump", new KvDumpHeader(0xC1, 0, 8, 3, "quorate 1"), 544, "0aba", new DateTime(2026, 11, 21, 20, 18, 9, DateTimeKind.Utc));
        Assert.Equal(Golden, BackupDirectory.Write([entry]));
        Assert.Equal(entry, Assert.Single(BackupDirectory.Parse(Golden, "x")));
        for (int i = 0; i < Golden.Length; i++)
        {
            string other = Golden[..i] + (char)(Golden[i] ^ 1) + Golden[(i + 1)..];
            Assert.Throws<CorruptFileException>(() => BackupDirectory.Parse(other, "x"));
            Assert.Throws<CorruptFileException>(() => BackupDirectory.Parse(Golden[..i], "x"));
        }
    }

    [Fact]
    public async Task A_directory_whose_catalogue_is_damaged_is_left_alone()
    {
        string catalogue = Path.Combine(_path, BackupDirectory.CatalogueName);
        await File.WriteAllTextAsync(catalogue, Golden.Replace("revision=8", "revision=9", StringComparison.Ordinal));
        foreach (string[] args in (string[][])[["backup", "list", _path], ["backup", "--to", _path], ["restore", _path, "--data-dir", Path.Combine(_path, "d")]])
        {
            (int code, _, string error) = await Run(args);
            Assert.Equal((int)ExitCode.Integrity, code);
            Assert.Contains("the checksum disagrees", error, StringComparison.Ordinal);
        }

        Assert.Equal(["catalogue", "lock"], Directory.GetFileSystemEntries(_path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_restore_refuses_what_etcd_refuses()
    {
        string none = Path.Combine(_path, "none");
        Assert.Equal((int)ExitCode.Precondition, (await Run("restore", none)).Code);
        (int code, _, string error) = await Run("restore", none, "--bump-revision", "5");
        Assert.Equal(((int)ExitCode.Usage, "--mark-compacted required if --bump-revision"), (code, error.Trim()));
        Assert.Equal((int)ExitCode.Usage, (await Run("restore", none, "--mark-compacted")).Code);

        string file = Path.Combine(_path, "file");
        await File.WriteAllBytesAsync(file, new byte[1024]);
        (code, _, error) = await Run("restore", file);
        Assert.Equal((int)ExitCode.Integrity, code);
        Assert.Contains("snapshot missing hash but --skip-hash-check=false", error, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(file, new byte[1024 + 32]);
        (code, _, error) = await Run("restore", file);
        Assert.Equal((int)ExitCode.Integrity, code);
        Assert.Contains("expected sha256 [", error, StringComparison.Ordinal);
        (code, _, error) = await Run("restore", file, "--skip-hash-check", "--data-dir", Path.Combine(_path, "d"));
        Assert.Equal((int)ExitCode.Integrity, code);
        Assert.Contains("no frame begins here", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_path, "d")));
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);

    private static async Task<(int Code, string Output, string Error)> Run(params string[] args)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int code = await CommandLine.RunAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
