using System.Buffers.Binary;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Migrate;
using Xunit;

namespace Quorate.Tests.Migrate;

public sealed class EtcdSnapshotFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    // Goal: everything in a real snapshot is read, versions in order, and nothing else.
    [Fact]
    public void A_snapshot_of_etcd_is_read_whole()
    {
        File.WriteAllBytes(_path, EtcdSnapshotSample.Bytes());
        Assert.True(EtcdSnapshotFile.Claims(_path));
        using var file = new EtcdSnapshotFile(_path, skipHash: false);
        Assert.Equal(20, file.CompactRevision);
        EtcdVersionRecord[] versions = [.. file.Versions()];

        // Revision 1 is the empty store; 62 deletes key3. What the compaction dropped is gone: nothing, as no key had two versions then.
        Assert.Equal([.. Enumerable.Range(2, 64).Select(revision => (long)revision)], versions.Select(v => v.Main));
        Assert.All(versions, v => Assert.Equal(0, v.Sub));
        Assert.Equal([62L], versions.Where(v => v.IsTombstone).Select(v => v.Main));
        Assert.Equal("key3", versions.Single(v => v.IsTombstone).Record.Key.ToStringUtf8());
        KeyValue again = versions.Single(v => v.Main == 64).Record;
        Assert.Equal(("key4", "again", 5L, 2L), (again.Key.ToStringUtf8(), again.Value.ToStringUtf8(), again.CreateRevision, again.Version));
        Assert.Equal(20_000, versions[^1].Record.Value.Length);

        EtcdLeaseRecord lease = Assert.Single(file.Leases());
        Assert.Equal((600L, versions.Single(v => v.Main == 63).Record.Lease), (lease.Seconds, lease.Id));
        Assert.False(file.IsAuthEnabled);
        Assert.Equal(["alice", "root"], file.Users().Select(u => u.Name.ToStringUtf8()).Order());
        Assert.Equal(["r1"], file.Users().Single(u => u.Name.ToStringUtf8() == "alice").Roles);
        Permission permission = Assert.Single(Assert.Single(file.Roles()).KeyPermission);
        Assert.Equal(("/a/", "/a0"), (permission.Key.ToStringUtf8(), permission.RangeEnd.ToStringUtf8()));
    }

    // Goal: a snapshot that is cut, or of which one bit is wrong, is refused; without its hash only if that was asked for.
    [Fact]
    public void A_damaged_snapshot_is_refused()
    {
        byte[] bytes = EtcdSnapshotSample.Bytes();
        byte[] flipped = [.. bytes];
        flipped[30_000] ^= 1;
        File.WriteAllBytes(_path, flipped);
        Assert.Contains("SHA-256", Assert.Throws<BboltException>(() => new EtcdSnapshotFile(_path, skipHash: false)).Message, StringComparison.Ordinal);

        File.WriteAllBytes(_path, bytes[..^32]);
        Assert.Contains("--skip-hash-check", Assert.Throws<BboltException>(() => new EtcdSnapshotFile(_path, skipHash: false)).Message, StringComparison.Ordinal);
        using (var file = new EtcdSnapshotFile(_path, skipHash: true)) { Assert.Equal(64, file.Versions().Count()); }

        File.WriteAllText(_path, "no database");
        Assert.False(EtcdSnapshotFile.Claims(_path));
        Assert.Throws<BboltException>(() => new EtcdSnapshotFile(_path, skipHash: true));
    }

    // Goal: pages that many others refer to do not make the walk take for ever.
    [Fact]
    public void Pages_that_are_shared_are_found_out()
    {
        const int Page = 1024;
        const int Levels = 20;
        byte[] bytes = new byte[(Levels + 4) * Page];
        WriteMeta(bytes.AsSpan(0, Page));
        Span<byte> root = bytes.AsSpan(2 * Page, Page);
        WriteHeader(root, id: 2, flags: 2, count: 1); // A leaf with the bucket "key", whose root is page 3.
        BinaryPrimitives.WriteUInt32LittleEndian(root[16..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(root[20..], 16);
        BinaryPrimitives.WriteUInt32LittleEndian(root[24..], 3);
        BinaryPrimitives.WriteUInt32LittleEndian(root[28..], 16);
        "key"u8.CopyTo(root[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(root[35..], 3);
        for (int level = 0; level < Levels; level++)
        {
            Span<byte> branch = bytes.AsSpan((3 + level) * Page, Page);
            bool isLast = level == Levels - 1;
            WriteHeader(branch, id: 3 + level, flags: (ushort)(isLast ? 2 : 1), count: (ushort)(isLast ? 0 : 50));
            for (int i = 0; i < 50 && !isLast; i++) { BinaryPrimitives.WriteUInt64LittleEndian(branch[(16 + (i * 16) + 8)..], (ulong)(4 + level)); }
        }

        File.WriteAllBytes(_path, bytes);
        using var file = new EtcdSnapshotFile(_path, skipHash: true);
        Assert.Contains("circles", Assert.Throws<BboltException>(() => file.Versions().Count()).Message, StringComparison.Ordinal);
    }

    private static void WriteHeader(Span<byte> page, int id, ushort flags, ushort count)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(page, (ulong)id);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], flags);
        BinaryPrimitives.WriteUInt16LittleEndian(page[10..], count);
    }

    private static void WriteMeta(Span<byte> page)
    {
        WriteHeader(page, id: 0, flags: 4, count: 0);
        Span<byte> meta = page[16..];
        BinaryPrimitives.WriteUInt32LittleEndian(meta, 0xED0CDAED);
        BinaryPrimitives.WriteUInt32LittleEndian(meta[4..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(meta[8..], (uint)page.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[16..], 2);
        ulong hash = 14695981039346656037;
        foreach (byte b in meta[..56]) { hash = unchecked((hash ^ b) * 1099511628211); }
        BinaryPrimitives.WriteUInt64LittleEndian(meta[56..], hash);
    }

    // Goal: whatever the bytes are, the answer is records or a BboltException: no other exception, no endless walk, no memory without bound.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Bytes_at_random_do_no_harm(int seed)
    {
        byte[] bytes = EtcdSnapshotSample.Bytes();
        var random = new Prng((ulong)seed);
        int refused = 0;
        for (int run = 0; run < 300; run++)
        {
            byte[] hurt = [.. bytes];
            for (long i = random.Between(1, 4); i > 0; i--)
            {
                // Mostly the pages' headers and elements: values are most of the bytes and harm nobody.
                int page = random.Below(hurt.Length / 4096) * 4096;
                hurt[page + random.Below(random.Chance(3, 4) ? 200 : 4096)] = (byte)random.Below(256);
            }

            File.WriteAllBytes(_path, random.Chance(1, 8) ? hurt[..(random.Below(hurt.Length / 512) * 512)] : hurt);
            try
            {
                using var file = new EtcdSnapshotFile(_path, skipHash: true);
                foreach (EtcdVersionRecord version in file.Versions()) { Assert.False(version.Record.Key.IsEmpty); }
                _ = file.Leases().Count() + file.Users().Count() + file.Roles().Count();
            }
            catch (BboltException)
            {
                refused++;
            }
        }

        Assert.True(refused > 30, $"only {refused} of 300 were refused: the bytes were not hurt");
    }
}
