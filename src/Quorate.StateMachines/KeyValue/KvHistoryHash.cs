using System.Buffers.Binary;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>The hash of the history up to a revision.</summary>
/// <param name="Hash">Equal on all members, and on an etcd with the same history and the same compacted revision.</param>
/// <param name="CompactedRevision">As of when it was computed; -1 if nothing was compacted.</param>
/// <param name="Revision">The revision hashed up to.</param>
public readonly record struct KvHash(uint Hash, long CompactedRevision, long Revision);

/// <summary>
/// etcd's HashKV: the CRC-32C of its bucket "key" as it would be: for each change, in order of revision, the 17 bytes of its revision
/// and its KeyValue in protobuf. Of the time before the compaction only what is still current at the revision counts.
/// </summary>
/// <remarks>
/// The store is in order of key, so each change is hashed as it comes and the hashes are combined in order of revision. Takes 24 bytes
/// of memory for each change.
/// </remarks>
internal sealed class KvHistoryHash
{
    private readonly long _revision;
    private readonly long _compacted;
    private readonly List<Piece> _pieces = [];
    private readonly ByteWriter _record = new(4096);
    private byte[] _userKey = [];

    private KvHistoryHash(long revision, long compacted)
    {
        _revision = revision;
        _compacted = compacted;
    }

    /// <summary>Computes the hash.</summary>
    /// <param name="store">The state.</param>
    /// <param name="revision">Not below the compacted one, and not above the current one.</param>
    /// <param name="compacted">The compacted revision.</param>
    public static uint Compute(IStoreReader store, long revision, long compacted)
    {
        var hash = new KvHistoryHash(revision, compacted);

        // With no key left at the revision, etcd takes the state at the compacted revision as it was.
        if (!hash.Read(store, keepsReplaced: false)) { hash.Read(store, keepsReplaced: true); }
        hash._pieces.Sort(static (a, b) => a.Revision != b.Revision ? a.Revision.CompareTo(b.Revision) : a.Sub.CompareTo(b.Sub));
        uint crc = Crc32C.Compute("key"u8);
        foreach (Piece piece in hash._pieces) { crc = Crc32C.Combine(crc, piece.Crc, piece.Bytes); }
        return crc;
    }

    // True if a key exists at the revision.
    private bool Read(IStoreReader store, bool keepsReplaced)
    {
        _pieces.Clear();
        bool hasKeys = false;
        byte[] before = [];
        int beforeLength = 0;
        bool isFirst = false; // The newest version at or below the revision that was asked for,
        bool isBase = false; // and the newest at or below the compacted one.
        using ICursor cursor = store.OpenCursor([VersionKeys.Kind], VersionKeys.AfterAll);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next())
        {
            ReadOnlySpan<byte> prefix = VersionKeys.Prefix(cursor.Key);
            if (!prefix.SequenceEqual(before.AsSpan(0, beforeLength)))
            {
                if (before.Length < prefix.Length) { before = new byte[prefix.Length * 2]; }
                prefix.CopyTo(before);
                beforeLength = prefix.Length;
                (isFirst, isBase) = (true, true);
            }

            long revision = VersionKeys.Revision(cursor.Key);
            if (revision > _revision) { continue; }
            bool isTombstone = VersionValue.IsTombstoneValue(cursor.Value);
            hasKeys |= isFirst && !isTombstone;
            if (revision > _compacted || (isBase && !isTombstone && (isFirst || keepsReplaced))) { Add(cursor, revision, isTombstone); }
            if (revision <= _compacted) { isBase = false; }
            isFirst = false;
        }

        return hasKeys;
    }

    // etcd's key of the change (main revision, '_', sub revision, and 't' for a delete) and its mvccpb.KeyValue.
    private void Add(ICursor cursor, long revision, bool isTombstone)
    {
        ReadOnlySpan<byte> prefix = VersionKeys.Prefix(cursor.Key);
        if (_userKey.Length < prefix.Length) { _userKey = new byte[prefix.Length * 2]; }
        ReadOnlySpan<byte> userKey = _userKey.AsSpan(0, VersionKeys.WriteUserKey(prefix, _userKey));
        uint sub = VersionKeys.Sub(cursor.Key);
        _record.Clear();
        BinaryPrimitives.WriteInt64BigEndian(_record.Reserve(8), revision);
        _record.U8((byte)'_');
        BinaryPrimitives.WriteInt64BigEndian(_record.Reserve(8), sub);
        if (isTombstone) { _record.U8((byte)'t'); }
        AddField(1, userKey);
        if (!isTombstone)
        {
            var version = VersionValue.Read(cursor.Value);
            AddField(2, version.CreateRevision);
            AddField(3, revision);
            AddField(4, version.Version);
            AddField(5, version.Value);
            AddField(6, version.Lease);
        }

        _pieces.Add(new Piece(revision, sub, Crc32C.Compute(_record.Written), _record.Length));
    }

    private void AddField(int field, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) { return; }
        _record.U8((byte)((field << 3) | 2));
        _record.Bytes(value);
    }

    private void AddField(int field, long value)
    {
        if (value == 0) { return; }
        _record.U8((byte)(field << 3));
        _record.VarUInt(unchecked((ulong)value));
    }

    private readonly record struct Piece(long Revision, uint Sub, uint Crc, int Bytes);
}
