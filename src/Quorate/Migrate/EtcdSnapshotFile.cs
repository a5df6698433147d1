using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Migrate;

/// <summary>One version of a key, as etcd stored it.</summary>
/// <param name="Main">The revision.</param>
/// <param name="Sub">Its place within the revision, from 0.</param>
/// <param name="IsTombstone">The key was deleted; of the record only the key counts.</param>
/// <param name="Record">The key as it was from then on.</param>
internal readonly record struct EtcdVersionRecord(long Main, long Sub, bool IsTombstone, KeyValue Record);

/// <summary>A lease, as etcd stored it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Seconds">Its time to live.</param>
/// <param name="Remaining">What etcd had last noted of its remaining time; 0: nothing.</param>
internal readonly record struct EtcdLeaseRecord(long Id, long Seconds, long Remaining);

/// <summary>
/// A snapshot of etcd (<c>etcdctl snapshot save</c>: a database and its SHA-256) or the database of a stopped member (member/snap/db, without).
/// Format: etcd-io/etcd, server/storage/schema and mvcc/revision.go; versions 3.0 to 3.6 write it alike.
/// </summary>
internal sealed class EtcdSnapshotFile : IDisposable
{
    private const int HashBytes = 32;
    private const int Sector = 512; // A database has whole sectors: so what is over tells of the hash.
    private const int RevisionBytes = 17;

    private readonly BboltFile _file;
    private readonly string _path;

    /// <param name="path">The file.</param>
    /// <param name="skipHash">Do not compare the hash, nor demand one.</param>
    /// <exception cref="BboltException">It is no snapshot, it is damaged, or its hash is missing or wrong.</exception>
    public EtcdSnapshotFile(string path, bool skipHash)
    {
        _path = path;
        long length = new FileInfo(path).Length;
        bool hasHash = length % Sector == HashBytes;
        if (!hasHash && !skipHash)
        {
            throw new BboltException($"{path} has no hash at its end: it is cut off, or the database of a member; for that, say --skip-hash-check");
        }

        long content = hasHash ? length - HashBytes : length;
        if (hasHash && !skipHash) { CheckHash(path, content); }
        _file = new BboltFile(path, content);
        CompactRevision = ReadCompactRevision();
    }

    /// <summary>True if the first bytes are those of a bbolt database; how a snapshot of etcd is told from one of ours.</summary>
    public static bool Claims(string path)
    {
        Span<byte> head = stackalloc byte[20];
        using FileStream file = File.OpenRead(path);
        return file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length
            && BinaryPrimitives.ReadUInt32LittleEndian(head[16..]) == 0xED0CDAED;
    }

    /// <summary>The compacted revision; -1 if there was no compaction.</summary>
    public long CompactRevision { get; }

    /// <summary>All versions, in order of revision.</summary>
    public IEnumerable<EtcdVersionRecord> Versions()
    {
        long before = 0;
        long beforeSub = -1;
        foreach ((byte[] key, byte[] value) in _file.Walk("key"))
        {
            bool isTombstone = key.Length == RevisionBytes + 1 && key[RevisionBytes] == (byte)'t';
            if ((key.Length != RevisionBytes && !isTombstone) || key[8] != (byte)'_') { throw Damaged($"the revision {Convert.ToHexString(key)}"); }
            long main = BinaryPrimitives.ReadInt64BigEndian(key);
            long sub = BinaryPrimitives.ReadInt64BigEndian(key.AsSpan(9));
            if (main < before || (main == before && sub <= beforeSub)) { throw Damaged($"revision {main}.{sub} comes after {before}.{beforeSub}"); }
            (before, beforeSub) = (main, sub);
            KeyValue record = Parse(KeyValue.Parser, value);
            if (record.Key.IsEmpty) { throw Damaged($"revision {main}.{sub} has no key"); }
            yield return new(main, sub, isTombstone, record);
        }
    }

    /// <summary>All leases, in order of id.</summary>
    public IEnumerable<EtcdLeaseRecord> Leases()
    {
        foreach ((byte[] key, byte[] value) in _file.Walk("lease"))
        {
            if (key.Length != 8) { throw Damaged($"the lease {Convert.ToHexString(key)}"); }
            StoredLease lease = ReadLease(value);
            yield return new(BinaryPrimitives.ReadInt64BigEndian(key), lease.Seconds, lease.Remaining);
        }
    }

    /// <summary>True if users were in force.</summary>
    public bool IsAuthEnabled => _file.Walk("auth").Any(item => Is(item.Key, "authEnabled") && item.Value is [1]);

    /// <summary>The revision of users and roles; 0 if there never were any.</summary>
    public ulong AuthRevision =>
        _file.Walk("auth").Where(item => Is(item.Key, "authRevision") && item.Value.Length == 8)
            .Select(item => BinaryPrimitives.ReadUInt64BigEndian(item.Value)).FirstOrDefault();

    /// <summary>All users, with the hashes of their passwords.</summary>
    public IEnumerable<User> Users() => _file.Walk("authUsers").Select(item => Parse(User.Parser, item.Value));

    /// <summary>All roles.</summary>
    public IEnumerable<Role> Roles() => _file.Walk("authRoles").Select(item => Parse(Role.Parser, item.Value));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // What is under way counts: etcd finishes it when it starts (mvcc/kvstore.go, restore).
    private long ReadCompactRevision()
    {
        long compacted = -1;
        foreach ((byte[] key, byte[] value) in _file.Walk("meta"))
        {
            bool isCompaction = Is(key, "finishedCompactRev") || Is(key, "scheduledCompactRev");
            if (isCompaction && value.Length >= 8) { compacted = Math.Max(compacted, BinaryPrimitives.ReadInt64BigEndian(value)); }
        }

        return compacted;
    }

    private static bool Is(byte[] key, string name) => key.AsSpan().SequenceEqual(System.Text.Encoding.ASCII.GetBytes(name));

    // leasepb.Lease: ID = 1, TTL = 2, RemainingTTL = 3, all int64.
    private StoredLease ReadLease(byte[] bytes)
    {
        var lease = default(StoredLease);
        var input = new CodedInputStream(bytes);
        try
        {
            while (input.ReadTag() is var tag and not 0)
            {
                switch (tag)
                {
                    case 2 << 3: lease.Seconds = input.ReadInt64(); break;
                    case 3 << 3: lease.Remaining = input.ReadInt64(); break;
                    default: input.SkipLastField(); break;
                }
            }

            return lease;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Damaged($"a lease: {e.Message}");
        }
    }

    private T Parse<T>(MessageParser<T> parser, byte[] bytes)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Damaged($"a {typeof(T).Name}: {e.Message}");
        }
    }

    private static void CheckHash(string path, long content)
    {
        using FileStream file = File.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[256 * 1024];
        for (long left = content; left > 0;)
        {
            int read = file.Read(buffer, 0, (int)Math.Min(left, buffer.Length));
            if (read == 0) { throw new BboltException($"{path} became shorter while it was read"); }
            hash.AppendData(buffer, 0, read);
            left -= read;
        }

        file.ReadExactly(buffer, 0, HashBytes);
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(buffer.AsSpan(0, HashBytes)))
        {
            throw new BboltException($"{path}: its SHA-256 is not the one at its end: it is damaged; take it anew");
        }
    }

    private BboltException Damaged(string what) => new($"{_path} is damaged: {what}");

    private struct StoredLease
    {
        public long Seconds;
        public long Remaining;
    }
}
