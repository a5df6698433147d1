using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>A disk that fills: a small file system in memory, so that it can be mounted and filled in no time.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const int DiskMegabytes = 64;

    private readonly string _mount = Directory.CreateTempSubdirectory("quorate-disk-").FullName;
    private bool _isMounted;

    private string Filler => Path.Combine(_mount, "filler");

    // Goal: with little room left the node refuses writes in etcd's words while reads go on; with room again it serves writes,
    // and nothing acknowledged is lost. Method: a filler file takes the room, and is deleted.
    [Fact]
    public async Task Writes_are_refused_while_the_disk_is_nearly_full_and_taken_again_after()
    {
        using ClusterProcesses cluster = StartOnSmallDisk();
        ServerProcess server = cluster.Servers[0];
        using var client = new KeyValues(server);
        await client.PutManyAsync("disk/", 1, 50);

        int before = server.Log.Length;
        Fill(leaveBytes: 2 * 1024 * 1024);
        server.WaitForLog("disk-nearly-full", before);
        EtcdRpcException refusal = await RefusedPutAsync(client);
        Assert.Equal("etcdserver: mvcc: database space exceeded", refusal.Message);
        await client.ExpectManyAsync("disk/", 1, 50);

        before = server.Log.Length;
        File.Delete(Filler);
        server.WaitForLog("disk-has-room", before);
        await client.PutManyAsync("disk/", 51, 100);

        server.Kill();
        server.Start();
        server.WaitUntilReady();
        using var again = new KeyValues(server);
        await again.ExpectManyAsync("disk/", 1, 100);
        Assert.Null(await again.GetAsync("disk/refused"));
    }

    // Goal: a disk that is really full stops the process with a line that says so; with room again a restart has every
    // acknowledged write. Method: the disk is filled to the last byte, and writes that need a new log segment
    // each come faster than the look at the disk once a second.
    [Fact]
    public async Task A_log_that_cannot_be_written_stops_the_node_and_loses_nothing()
    {
        using ClusterProcesses cluster = StartOnSmallDisk();
        ServerProcess server = cluster.Servers[0];
        using var client = new KeyValues(server);
        await client.PutManyAsync("disk/", 1, 50);

        // The pause between two looks is a second, so one of a few rounds is in time for sure.
        bool hasStopped = false;
        for (int round = 0; round < 5 && !hasStopped; round++)
        {
            int before = server.Log.Length;
            Fill(leaveBytes: 0);
            hasStopped = !await PutsLargeAsync(client);
            if (hasStopped) { continue; }
            File.Delete(Filler);
            server.WaitForLog("disk-has-room", before);
        }

        Assert.True(hasStopped, $"the disk was full and nothing happened:\n{server.Log}");
        Assert.Equal(1, server.WaitForExit());
        Assert.Contains("event=fatal", server.Log, StringComparison.Ordinal);
        Assert.Contains("No space left on device", server.Log, StringComparison.Ordinal);

        int restarted = server.Log.Length;
        await ExpectNoWritesOnFullDiskAsync(server, restarted);

        File.Delete(Filler);
        if (!server.IsRunning) { server.Start(); }
        server.WaitUntilReady();
        if (server.Log[restarted..].Contains("disk-nearly-full", StringComparison.Ordinal)) { server.WaitForLog("disk-has-room", restarted); }
        using var again = new KeyValues(server);
        await again.ExpectManyAsync("disk/", 1, 50);
        await again.PutManyAsync("disk/", 51, 60);
        await again.ExpectManyAsync("disk/", 1, 60);
    }

    // Goal: one full disk of three costs one member, whichever role it has; with room again it comes back with all that the
    // others acknowledged meanwhile.
    [Fact]
    public async Task Two_members_serve_while_the_disk_of_the_third_is_full()
    {
        using var cluster = new ClusterProcesses(
            3, "start", Directory.CreateTempSubdirectory("quorate-conformance-").FullName, "--wal-segment-bytes", "65536");
        Mount();
        Directory.CreateSymbolicLink(cluster.DataDirectoryOf(2), Directory.CreateDirectory(Path.Combine(_mount, "n2")).FullName);
        cluster.StartAll();
        await cluster.FindLeaderAsync();
        using (var client = new KeyValues(cluster.Servers[0]))
        {
            await client.PutManyAsync("disk/", 1, 30);
            Fill(leaveBytes: 0);

            // Each needs a log segment of its own, so the third cannot take them.
            var value = ByteString.CopyFrom(new byte[1_000_000]);
            for (int i = 1; i <= 8; i++) { await PutAgainAsync(client, $"large/{i}", value); }
            Assert.Equal(1, cluster.Servers[2].WaitForExit());
            Assert.Contains("No space left on device", cluster.Servers[2].Log, StringComparison.Ordinal);
            for (int i = 31; i <= 60; i++)
            {
                string key = KeyValues.Key("disk/", i);
                await PutAgainAsync(client, key, ByteString.CopyFromUtf8(KeyValues.ValueOf(key)));
            }

            await client.ExpectManyAsync("disk/", 1, 60);
        }

        File.Delete(Filler);
        cluster.StartAll();
        using var third = new KeyValues(cluster.Servers[2]);
        await third.ExpectManyAsync("disk/", 1, 60);
    }

    public void Dispose()
    {
        if (_isMounted) { Tool.Run("umount", [_mount]).Succeeded(); }
        Directory.Delete(_mount, recursive: true);
    }

    private static async Task<EtcdRpcException> RefusedPutAsync(KeyValues client) =>
        await Assert.ThrowsAsync<EtcdRpcException>(() => client.PutAsync("disk/refused", "x"));

    // Whether what the failed write left behind is room enough to begin a segment, the next start finds out: it serves reads then,
    // else it ends and says why.
    private static async Task ExpectNoWritesOnFullDiskAsync(ServerProcess server, int logBefore)
    {
        server.Start();
        for (int i = 0; i < 3000 && server.IsRunning && !server.Log[logBefore..].Contains("ready to serve", StringComparison.Ordinal); i++)
        {
            await Task.Delay(10);
        }

        if (!server.IsRunning)
        {
            Assert.Equal(1, server.WaitForExit());
            Assert.Contains("No space left on device", server.Log[logBefore..], StringComparison.Ordinal);
            return;
        }

        using var client = new KeyValues(server);
        await client.ExpectManyAsync("disk/", 1, 50);
        EtcdRpcException refusal = await RefusedPutAsync(client);
        Assert.Equal("etcdserver: mvcc: database space exceeded", refusal.Message);
    }

    // A put may fail while leadership moves away from the full disk, or while the member that has it still leads.
    private static async Task PutAgainAsync(KeyValues client, string key, ByteString value)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await client.PutAsync(key, value);
                return;
            }
            catch (EtcdRpcException) when (attempt < 5)
            {
                await Task.Delay(200);
            }
        }
    }

    // False if the server broke off: its outcome is unknown then, so nothing is promised of these keys.
    private static async Task<bool> PutsLargeAsync(KeyValues client)
    {
        var value = ByteString.CopyFrom(new byte[1_000_000]);
        for (int i = 0; i < 100; i++)
        {
            try
            {
                await client.PutAsync($"large/{i}", value);
            }
            catch (EtcdRpcException e)
            {
                return e.Message.Contains("space exceeded", StringComparison.Ordinal);
            }
        }

        return true;
    }

    private void Mount()
    {
        Tool.Result mounted = Tool.Run(Tool.Find("mount"), ["-t", "tmpfs", "-o", $"size={DiskMegabytes}m", "tmpfs", _mount]);
        if (mounted.ExitCode != 0) { Assert.Skip($"a file system cannot be mounted here, which needs root: {mounted.Error.Trim()}"); }
        _isMounted = true;
    }

    private ClusterProcesses StartOnSmallDisk()
    {
        Mount();
        var cluster = new ClusterProcesses(1, "start", Path.Combine(_mount, "data"), "--wal-segment-bytes", "65536");
        cluster.StartAll();
        return cluster;
    }

    // Takes all room but this much.
    private void Fill(long leaveBytes)
    {
        using FileStream filler = File.Create(Filler, bufferSize: 1);
        byte[] zeros = new byte[256 * 1024];
        long left = new DriveInfo(_mount).AvailableFreeSpace - leaveBytes;
        try
        {
            for (; left > 0; left -= zeros.Length) { filler.Write(zeros.AsSpan(0, (int)Math.Min(left, zeros.Length))); }
            for (; leaveBytes == 0;) { filler.Write(zeros.AsSpan(0, 4096)); }
        }
        catch (IOException)
        {
            // Full to the last page.
        }
    }
}
