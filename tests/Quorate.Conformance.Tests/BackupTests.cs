using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Backups of a cluster that is being written to, and clusters made of them.</summary>
public sealed class BackupTests : IDisposable
{
    private const int Keys = 40;

    private readonly string _path = Directory.CreateTempSubdirectory("quorate-backups-").FullName;

    // Goal: a chain of backups, some of them killed at any moment, gives back the very state of a revision in its middle, on three new
    // members. Method: one writer puts and deletes a few keys and notes what each revision was; a third of the backups is cut off.
    [Fact]
    public async Task A_chain_of_backups_restores_three_members_as_of_a_revision()
    {
        var changes = new ConcurrentDictionary<long, (string Key, string? Value)>();
        using (ClusterProcesses cluster = ClusterProcesses.StartReady(3))
        {
            using var stop = new CancellationTokenSource();
            Task writer = Task.Run(() => Write(cluster, changes, stop.Token));
            await Until(() => changes.Count > 300);
            Tool.Quorate("backup", "--to", _path, "--endpoints", cluster.Endpoints).Succeeded();
            for (int milliseconds = 50; milliseconds <= 650; milliseconds += 150)
            {
                using RunningTool cut = RunningTool.Quorate("backup", "--to", _path, "--endpoints", cluster.Endpoints);
                await Task.Delay(milliseconds);
                cut.Kill();
                cut.WaitForExit();
            }

            int before = changes.Count;
            await Until(() => changes.Count > before + 300);
            Tool.Quorate("backup", "--to", _path, "--endpoints", cluster.Endpoints).Succeeded();
            await stop.CancelAsync();
            await writer;
        }

        string list = Tool.Quorate("backup", "list", _path).Succeeded();
        Assert.Contains("everything as of", list, StringComparison.Ordinal);
        Assert.Contains(" to ", list, StringComparison.Ordinal);
        Assert.DoesNotContain("damaged", Tool.Quorate("backup", "verify", _path).Succeeded(), StringComparison.Ordinal);

        // The first puts are surely in; the chosen one lies between the first backup and the last.
        long chosen = changes.Keys.Order().ElementAt(350);
        using ClusterProcesses restored = Restore(_path, chosen);
        restored.StartAll();
        SortedDictionary<string, string> expected = StateAt(changes, chosen);
        Assert.True(expected.Count > Keys / 2, $"{expected.Count} keys");
        foreach (ServerProcess server in restored.Servers)
        {
            RangeResponse all = await AllOf(server);
            Assert.Equal(chosen, all.Header.Revision);
            Assert.Equal(expected, new SortedDictionary<string, string>(
                all.Kvs.ToDictionary(static kv => kv.Key.ToStringUtf8(), static kv => kv.Value.ToStringUtf8()), StringComparer.Ordinal));
        }

        // One log from here on.
        using var client = new KeyValues(restored.Servers[0]);
        await client.PutAsync("new", "1");
        foreach (ServerProcess server in restored.Servers)
        {
            using var other = new KeyValues(server);
            Assert.Equal("1", await other.GetAsync("new"));
        }
    }

    // Goal: no byte of a backup can be another without a restore telling so and making nothing.
    [Fact]
    public async Task A_damaged_backup_is_told_and_not_restored()
    {
        using (ClusterProcesses cluster = ClusterProcesses.StartReady(1))
        {
            using var client = new KeyValues(cluster.Servers[0]);
            await client.PutManyAsync("k/", 1, 50);
            Tool.Quorate("backup", "--to", _path, "--endpoints", cluster.Endpoints).Succeeded();
            await client.PutManyAsync("k/", 51, 60);
            Tool.Quorate("backup", "--to", _path, "--endpoints", cluster.Endpoints).Succeeded();

            // The same flags make a cluster of the same id, whose backups would be taken for a continuation.
            ServerProcess old = cluster.Servers[0];
            string[] same = ["--name", "--initial-cluster", "--initial-cluster-token", "--initial-advertise-peer-urls"];
            string[] flags = [.. same.SelectMany(flag => (string[])[flag, old.Arguments[old.Arguments.ToList().IndexOf(flag) + 1]])];
            Tool.Result refused = Tool.Quorate(["restore", _path, "--data-dir", Path.Combine(_path, "same"), .. flags]);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains("--initial-cluster-token", refused.Error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(Path.Combine(_path, "same")));
            if (!OperatingSystem.IsWindows()) { Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_path, "000002.dump"))); }
        }

        string second = Path.Combine(_path, "000002.dump");
        byte[] bytes = await File.ReadAllBytesAsync(second);
        foreach (int at in (int[])[0, 30, bytes.Length / 2, bytes.Length - 1])
        {
            byte[] other = [.. bytes];
            other[at] ^= 0x10;
            await File.WriteAllBytesAsync(second, other);
            Assert.Equal(12, Tool.Quorate("backup", "verify", _path).ExitCode);
            string data = Path.Combine(_path, "data");
            Assert.Equal(12, Tool.Quorate("restore", _path, "--data-dir", data).ExitCode);
            Assert.False(Directory.Exists(data));
        }

        File.Delete(second);
        Assert.Equal(12, Tool.Quorate("restore", _path, "--data-dir", Path.Combine(_path, "data")).ExitCode);
        Tool.Quorate("restore", _path, "--revision", "40", "--data-dir", Path.Combine(_path, "data")).Succeeded(); // The first is enough for this.

        // What is there is never mixed with what is restored.
        string[] before = Directory.GetFileSystemEntries(Path.Combine(_path, "data"), "*", SearchOption.AllDirectories);
        Tool.Result again = Tool.Quorate("restore", _path, "--revision", "40", "--data-dir", Path.Combine(_path, "data"));
        Assert.Equal(3, again.ExitCode);
        Assert.Contains("not empty", again.Error, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries(Path.Combine(_path, "data"), "*", SearchOption.AllDirectories));
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);

    private static ClusterProcesses Restore(string source, long revision)
    {
        var cluster = new ClusterProcesses(3);
        foreach (ServerProcess server in cluster.Servers)
        {
            string Of(string flag) => server.Arguments[server.Arguments.ToList().IndexOf(flag) + 1];
            string[] same = ["--name", "--data-dir", "--initial-cluster", "--initial-cluster-token", "--initial-advertise-peer-urls"];
            Tool.Quorate([
                "restore", source, "--revision", revision.ToString(CultureInfo.InvariantCulture),
                .. same.SelectMany(flag => (string[])[flag, Of(flag)])]).Succeeded();
        }

        return cluster;
    }

    private static async Task Write(ClusterProcesses cluster, ConcurrentDictionary<long, (string Key, string? Value)> changes, CancellationToken stop)
    {
        using var client = new EtcdGrpcClient([.. cluster.Servers.Select(static server => server.Endpoint)]);
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string key = $"k{i * 7 % Keys:d2}";
            string value = i.ToString(CultureInfo.InvariantCulture);
            if (i % 9 == 8)
            {
                DeleteRangeResponse deleted = await client.CallAsync(
                    EtcdMethods.DeleteRange, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key) }, TimeSpan.FromSeconds(20), CancellationToken.None);
                if (deleted.Deleted > 0) { changes[deleted.Header.Revision] = (key, null); }
                continue;
            }

            PutResponse put = await client.CallAsync(
                EtcdMethods.Put, new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) },
                TimeSpan.FromSeconds(20), CancellationToken.None);
            changes[put.Header.Revision] = (key, value);
        }
    }

    private static SortedDictionary<string, string> StateAt(ConcurrentDictionary<long, (string Key, string? Value)> changes, long revision)
    {
        var state = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((_, (string key, string? value)) in changes.Where(change => change.Key <= revision).OrderBy(static change => change.Key))
        {
            if (value is null) { state.Remove(key); }
            else { state[key] = value; }
        }

        return state;
    }

    private static async Task<RangeResponse> AllOf(ServerProcess server)
    {
        using var client = new EtcdGrpcClient([server.Endpoint]);
        var zero = ByteString.CopyFrom(0);
        return await client.CallAsync(EtcdMethods.Range, new RangeRequest { Key = zero, RangeEnd = zero }, TimeSpan.FromSeconds(20));
    }

    private static async Task Until(Func<bool> condition)
    {
        for (int i = 0; i < 1200 && !condition(); i++) { await Task.Delay(50); }
        Assert.True(condition(), "it did not come");
    }
}
