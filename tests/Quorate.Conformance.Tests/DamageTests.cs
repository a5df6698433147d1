using System.Text;
using Quorate.Conformance.Tests.Faults;
using Quorate.FrontDoors.Etcd.Client;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>A stopped node's directory, with what its operator may find damaged in it.</summary>
public sealed class StoppedNode : IAsyncLifetime
{
    internal const string Prefix = "damage/";
    internal const int Keys = 120;

    // Tables hold the keys up to 100, since each 50 entries are flushed; the log holds those after. 101 to 110 are in one
    // segment, those after 110 in another: an opening always begins a new one.
    internal const int InTable = 10;
    internal const int InOldSegment = 105;
    internal const int InNewSegment = 114;

    internal ClusterProcesses Cluster { get; } = NewCluster(1);

    internal string Pristine => Cluster.DataDirectoryOf(0);

    public async ValueTask InitializeAsync()
    {
        Cluster.StartAll();
        using (var client = new KeyValues(Cluster.Servers[0])) { await client.PutManyAsync(Prefix, 1, 110); }
        Cluster.Servers[0].Stop();
        Cluster.StartAll();
        using (var client = new KeyValues(Cluster.Servers[0])) { await client.PutManyAsync(Prefix, 111, Keys); }
        Cluster.Servers[0].Stop();
    }

    public ValueTask DisposeAsync()
    {
        Cluster.Dispose();
        return ValueTask.CompletedTask;
    }

    internal static ClusterProcesses NewCluster(int count) => new(
        count, "start", Directory.CreateTempSubdirectory("quorate-conformance-").FullName,
        "--snapshot-count", "50", "--wal-segment-bytes", "1048576");
}

/// <summary>Damaged files: the node refuses to start, says where, and leaves all as it was.</summary>
public sealed class DamageTests(StoppedNode node) : IClassFixture<StoppedNode>
{
    private const int Integrity = 12;
    private const int Precondition = 3;

    /*
     * Each line: what is done, and the words that must be in the refusal. "in ..." flips a bit of a key's bytes, wherever that
     * key is in the files of the kind; "cut" leaves half.
     */
    public static TheoryData<string, string> Damages => new()
    {
        { "flip wal in old segment", "wal/0000000000000001.wal is damaged at byte" },
        { "flip wal in new segment", ".wal is damaged at byte" },
        { "flip wal at 0", "wal/0000000000000001.wal is damaged at byte" },
        { "cut wal", "wal/0000000000000001.wal is damaged at byte" },
        { "cut wal to nothing", "wal/0000000000000001.wal is damaged at byte" },
        { "delete wal", "wal/0000000000000001.wal is damaged at byte 0: the file is missing" },
        { "delete all wal", "wal is damaged at byte 0: the log is missing, but there are shards" },
        { "delete directory wal", "wal is damaged at byte 0: the log is missing, but there are shards" },
        { "flip sst in table", ".sst is damaged at byte" },
        { "flip sst footer", ".sst is damaged at byte" },
        { "flip sst properties", ".sst is damaged at byte" },
        { "cut sst", ".sst is damaged at byte" },
        { "delete sst", ".sst is damaged at byte 0: the file is missing" },
        { "flip MANIFEST at 10", "MANIFEST is damaged at byte 0" },
        { "flip MANIFEST at 4100", "MANIFEST is damaged at byte 4096" },
        { "flip MANIFEST at 8200", "MANIFEST is damaged at byte 8192" },
        { "cut MANIFEST", "shards/1 is damaged at byte 0: the files end at entry" }, // Whole edits are gone; the log knows it.
        { "delete MANIFEST", "MANIFEST is damaged at byte 0" },
        { "flip descriptor at 20", "shards/1/descriptor is damaged at byte 0" },
        { "cut descriptor", "shards/1/descriptor is damaged at byte 0" },
        { "delete descriptor", "shards/1/descriptor is damaged at byte 0: it is missing" },
        { "flip identity at 20", "identity is damaged at byte 0" },
        { "cut identity", "identity is damaged at byte 0" },
        { "delete identity", "the data directory holds a log but no file 'identity'" },
    };

    // Goal: durable bytes that do not read back stop the start with exit code 12, file and offset, and nothing is changed, however
    // often it is tried. Method: one damage after the other on copies of one good directory.
    [Theory]
    [MemberData(nameof(Damages))]
    public void Damage_is_told_and_nothing_is_changed(string damage, string said)
    {
        using var copy = new ServerOnCopy(node);
        Do(damage, copy.Directory);
        string before = DirectoryImage.Of(copy.Directory);

        (int code, string log) = copy.Server.StartAndFail();

        Assert.Contains(said, log, StringComparison.Ordinal);
        Assert.Equal(damage == "delete identity" ? Precondition : Integrity, code);
        Assert.DoesNotContain("   at Quorate.", log, StringComparison.Ordinal);
        Assert.Equal(before, DirectoryImage.Of(copy.Directory));
        FaultRecord.Book(damage.StartsWith("flip", StringComparison.Ordinal) ? "D9" : "D12", "refusal");
    }

    // Goal: the refusal is about the damage and nothing else. With the byte put back all data is there.
    [Fact]
    public async Task A_byte_put_back_makes_it_start_with_all_data()
    {
        using var copy = new ServerOnCopy(node);
        (string path, long offset) = FindText(Files(copy.Directory, ".wal"), KeyValues.Key(StoppedNode.Prefix, StoppedNode.InNewSegment));
        Flip(path, offset);
        Assert.Equal(Integrity, copy.Server.StartAndFail().ExitCode);
        Assert.Equal(Integrity, copy.Server.StartAndFail().ExitCode);
        Flip(path, offset);
        copy.Server.Start();
        copy.Server.WaitUntilReady();
        using var client = new KeyValues(copy.Server);
        await client.ExpectManyAsync(StoppedNode.Prefix, 1, StoppedNode.Keys);
    }

    // Goal: a damaged block of a table is never served. It is not read at the start, so reading it must tell.
    [Fact]
    public async Task A_damaged_block_is_told_when_it_is_read()
    {
        using var copy = new ServerOnCopy(node);
        copy.Server.Start();
        copy.Server.WaitUntilReady();
        using (var client = new KeyValues(copy.Server))
        {
            // One table more, and no fourth: a compaction, which reads everything, would stop the node before we read.
            for (int i = 1; i <= 60; i++) { await client.PutAsync(KeyValues.Key("bulk/", i), i + new string('x', 4000)); }
        }

        copy.Server.Stop();
        (string path, long offset) = FindText(Files(copy.Directory, ".sst"), "17xxxx");
        Flip(path, offset + 1000);
        copy.Server.Start();
        copy.Server.WaitUntilReady();
        int before = copy.Server.Log.Length;
        using var again = new KeyValues(copy.Server);
        EtcdRpcException refusal = await Assert.ThrowsAsync<EtcdRpcException>(() => again.GetAsync(KeyValues.Key("bulk/", 17)));
        Assert.True(refusal.Message.Contains("corrupt", StringComparison.Ordinal), refusal.Message + copy.Server.Log[before..]);
        copy.Server.WaitForLog(Path.GetFileName(path) + " is damaged at byte", before);
        await again.ExpectManyAsync(StoppedNode.Prefix, 1, StoppedNode.Keys);
        FaultRecord.Book("D9", "refusal");
    }

    // Goal: what a crash leaves behind the last batch is no damage.
    [Theory]
    [InlineData("garbage")]
    [InlineData("half a batch")]
    public async Task A_torn_tail_is_dropped(string tail)
    {
        using var copy = new ServerOnCopy(node);
        copy.Server.Start();
        copy.Server.WaitUntilReady();
        using (var client = new KeyValues(copy.Server)) { await client.PutManyAsync("tail/", 1, 20); }
        copy.Server.Kill();

        (string path, long last) = FindText(Files(copy.Directory, ".wal"), KeyValues.Key("tail/", 20));
        byte[] bytes = File.ReadAllBytes(path);
        int end = 512 * (1 + (Array.FindLastIndex(bytes, b => b != 0) / 512)); // Batches begin at multiples of 512.
        Assert.True(end > last);
        if (tail == "garbage") { new Random(1).NextBytes(bytes.AsSpan(end, 3000)); }
        else { bytes.AsSpan((int)last / 512 * 512, 200).CopyTo(bytes.AsSpan(end)); }
        File.WriteAllBytes(path, bytes);

        copy.Server.Start();
        copy.Server.WaitUntilReady();
        using var again = new KeyValues(copy.Server);
        await again.ExpectManyAsync(StoppedNode.Prefix, 1, StoppedNode.Keys);
        await again.ExpectManyAsync("tail/", 1, 20);
    }

    // Goal: of three nodes a damaged one refuses while the two others serve, and with the byte put back it follows again.
    [Fact]
    public async Task Two_nodes_serve_while_the_damaged_third_refuses()
    {
        using ClusterProcesses cluster = StoppedNode.NewCluster(3);
        cluster.StartAll();
        using (var client = new KeyValues(cluster.Servers[0])) { await client.PutManyAsync(StoppedNode.Prefix, 1, 40); }
        ServerProcess damaged = cluster.Servers[2];
        damaged.Kill();
        (string path, long offset) = FindText(Files(cluster.DataDirectoryOf(2), ".wal"), KeyValues.Key(StoppedNode.Prefix, 20));
        Flip(path, offset);
        (int code, string log) = damaged.StartAndFail();
        Assert.Equal(Integrity, code);
        Assert.Contains(".wal is damaged at byte", log, StringComparison.Ordinal);

        using (var client = new KeyValues(cluster.Servers[1]))
        {
            await client.PutManyAsync(StoppedNode.Prefix, 41, 60);
            await client.ExpectManyAsync(StoppedNode.Prefix, 1, 60);
        }

        Flip(path, offset);
        damaged.Start();
        damaged.WaitUntilReady();
        using var third = new KeyValues(damaged);
        await third.ExpectManyAsync(StoppedNode.Prefix, 1, 60);
        FaultRecord.Book("D9", "service");
    }

    // Goal: a follower with damaged tables is filled anew by the others, under load, without its operator; then it has all data.
    [Fact]
    public async Task A_follower_with_a_damaged_table_heals()
    {
        using ClusterProcesses cluster = StoppedNode.NewCluster(3);
        cluster.StartAll();
        ServerProcess damaged = cluster.Servers[2];
        using var client = new KeyValues(cluster.Servers[0]);
        await client.PutManyAsync(StoppedNode.Prefix, 1, StoppedNode.Keys);
        for (int i = 1; i <= 60; i++) { await client.PutAsync(KeyValues.Key("bulk/", i), i + new string('x', 4000)); }
        for (int i = 0; i < 100 && Files(cluster.DataDirectoryOf(2), ".sst").Length == 0; i++) { await Task.Delay(100); }
        damaged.Stop();
        foreach (string table in Files(cluster.DataDirectoryOf(2), ".sst"))
        {
            Flip(table, 100);
            Flip(table, new FileInfo(table).Length - 30);
        }

        Task load = client.PutManyAsync("load/", 1, 300);
        damaged.Start();
        damaged.WaitForLog("replica-damaged", 0);
        damaged.WaitForLog("replica-healed", 0);
        await load;
        damaged.WaitUntilReady();
        using var third = new KeyValues(damaged);
        await third.ExpectManyAsync(StoppedNode.Prefix, 1, StoppedNode.Keys);
        await third.ExpectManyAsync("load/", 1, 300);
        FaultRecord.Book("D9", "service");
    }

    private static void Do(string damage, string directory)
    {
        string[] words = damage.Split(' ');
        if (damage == "delete directory wal")
        {
            Directory.Delete(Path.Combine(directory, "wal"), recursive: true);
            return;
        }

        if (damage == "delete all wal")
        {
            foreach (string file in Files(directory, ".wal")) { File.Delete(file); }
            return;
        }

        string path = Files(directory, words[1])[0];
        long length = new FileInfo(path).Length;
        switch (words[0])
        {
            case "delete": File.Delete(path); break;
            case "cut": Cut(path, words is [.., "nothing"] ? 0 : length / 2); break;
            case "flip" when words is [.., "at", _]: Flip(path, int.Parse(words[^1], System.Globalization.CultureInfo.InvariantCulture)); break;
            case "flip" when words[^1] == "footer": Flip(path, length - 30); break;
            case "flip" when words[^1] == "properties": Flip(path, length - 64 - 6); break;
            default:
                int number = words[3] switch
                {
                    "old" => StoppedNode.InOldSegment,
                    "new" => StoppedNode.InNewSegment,
                    _ => StoppedNode.InTable,
                };
                (string hit, long offset) = FindText(Files(directory, words[1]), KeyValues.Key(StoppedNode.Prefix, number));
                Flip(hit, offset);
                break;
        }
    }

    private static string[] Files(string directory, string ending) =>
        [.. Directory.EnumerateFiles(directory, "*" + ending, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static (string Path, long Offset) FindText(string[] paths, string text)
    {
        foreach (string path in paths)
        {
            int at = File.ReadAllBytes(path).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text));
            if (at >= 0) { return (path, at); }
        }

        throw new InvalidOperationException($"'{text}' is in none of {string.Join(", ", paths)}");
    }

    private static void Flip(string path, long offset)
    {
        using FileStream file = File.Open(path, FileMode.Open);
        file.Position = offset;
        int value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 0x10));
    }

    private static void Cut(string path, long length)
    {
        using FileStream file = File.Open(path, FileMode.Open);
        file.SetLength(length);
    }

    // The stopped node's server on a directory of its own.
    private sealed class ServerOnCopy : IDisposable
    {
        public ServerOnCopy(StoppedNode node)
        {
            Directory = System.IO.Directory.CreateTempSubdirectory("quorate-conformance-").FullName;
            DirectoryImage.Copy(node.Pristine, Directory);
            ServerProcess original = node.Cluster.Servers[0];
            Server = new ServerProcess(
                original.Name, original.ClientPort, original.PeerPort,
                original.Arguments.Select(argument => argument == node.Pristine ? Directory : argument));
        }

        public string Directory { get; }

        public ServerProcess Server { get; }

        public void Dispose()
        {
            Server.Dispose();
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }
}
