using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Writes one command's changes as versions of one new revision, in order, the index of changes (<see cref="ChangeKeys"/>), and
/// each change's answer (KvReply.Codec.cs). Its buffers are reused: a put allocates nothing here.
/// </summary>
internal sealed class VersionWriter
{
    // The store must not change under a cursor, so keys to delete are collected before they are: this many bytes of them at once,
    // or one key more, so that the largest delete leaves no large buffer behind.
    private const int CollectedBytes = 256 * 1024;

    private readonly ByteWriter _value = new(4096);
    private readonly ByteWriter _deleted = new();
    private readonly RecentKeys _recent = new();
    private readonly LeaseKeys _attachments = new();
    private byte[] _key = new byte[256];
    private byte[] _userKey = [];
    private byte[] _next = [];
    private IStoreWriter? _store;
    private long _before;
    private uint _changes;

    /// <summary>True once something was written.</summary>
    public bool HasChanged => _changes > 0;

    /// <summary>Versions written.</summary>
    public long Changes => _changes;

    /// <summary>The newest revision as the command sees it: the new one from its first change on.</summary>
    public long Revision => HasChanged ? _before + 1 : _before;

    private IStoreWriter Store => _store!;

    /// <summary>Starts a command.</summary>
    /// <param name="store">Written to until the next start.</param>
    /// <param name="before">The current revision.</param>
    public void Start(IStoreWriter store, long before)
    {
        _store = store;
        _before = before;
        _changes = 0;
    }

    /// <summary>Puts a key, unless the flags ask for a key that does not exist.</summary>
    /// <returns>None or KeyNotFound; then nothing was written, to the store or the reply.</returns>
    public KvRefusal TryPut(scoped in KvCommand.PutFields put, ByteWriter reply)
    {
        Span<byte> key = KeyFor(put.Key);

        // A plain put needs of the old version only its age and its lease, which are often at hand.
        bool isPlain = !put.PrevKv && !put.IgnoreValue && !put.IgnoreLease;
        if (isPlain && _recent.TryGet(VersionKeys.Prefix(key), out (long CreateRevision, long Version, long Lease) recent))
        {
            reply.U8((byte)KvReply.Kind.Put);
            KvReply.WriteNoMoreRecords(reply);
            reply.VarInt(_before + 1);
            bool isThere = recent.Version > 0;
            Attach(put.Key, from: recent.Lease, to: put.Lease);
            WritePut(key, isThere ? recent.CreateRevision : _before + 1, recent.Version + 1, put.Lease, put.Value);
            return KvRefusal.None;
        }

        bool exists = RangeReader.TryFind(Store, key, long.MaxValue, out long modRevision, out VersionValue old);
        VersionValue kept = old;
        if ((put.IgnoreValue || put.IgnoreLease) && !exists
            && !RangeReader.TryFind(Store, key, _before, out _, out kept)) // Deleted by this very transaction: as it was before.
        {
            return KvRefusal.KeyNotFound;
        }

        reply.U8((byte)KvReply.Kind.Put);
        if (put.PrevKv && exists)
        {
            KvReply.WriteRecord(
                reply, put.Key, old.Value, old.CreateRevision, modRevision, old.Version, old.Lease);
        }

        KvReply.WriteNoMoreRecords(reply);
        reply.VarInt(_before + 1);

        long lease = put.IgnoreLease ? kept.Lease : put.Lease;
        long oldLease = exists ? old.Lease : 0;
        WritePut(
            key,
            createRevision: exists ? old.CreateRevision : _before + 1,
            version: exists ? old.Version + 1 : 1,
            lease,
            put.IgnoreValue ? kept.Value : put.Value);
        Attach(put.Key, oldLease, lease);
        return KvRefusal.None;
    }

    /// <summary>Deletes the keys that hang on a lease, in order.</summary>
    public void DeleteKeysOf(long lease)
    {
        ReadOnlySpan<byte> from = [];
        do
        {
            _deleted.Clear();
            LeaseKeys.Collect(Store, lease, from, CollectedBytes, _deleted);
            var keys = new ByteReader(_deleted.Written);
            while (!keys.AtEnd)
            {
                ReadOnlySpan<byte> userKey = keys.Bytes();
                WriteTombstone(KeyFor(userKey));
                _attachments.Remove(Store, lease, userKey);
                if (keys.AtEnd) { from = NextAfter(userKey); }
            }
        }
        while (_deleted.Length >= CollectedBytes);
    }

    /// <summary>The store was replaced: nothing known of it holds any more.</summary>
    public void Forget() => _recent.Clear();

    /// <summary>Deletes the keys of a range.</summary>
    public void DeleteRange(KvCommand.DeleteRange delete, ByteWriter reply)
    {
        reply.U8((byte)KvReply.Kind.DeleteRange);
        long deleted = delete.RangeEnd.IsEmpty ? DeleteOne(delete, reply) : DeleteMany(delete, reply);
        reply.VarInt(deleted);
        reply.VarInt(Revision);
    }

    private long DeleteOne(KvCommand.DeleteRange delete, ByteWriter reply)
    {
        Span<byte> key = KeyFor(delete.Key.Span);
        bool exists = RangeReader.TryFind(Store, key, long.MaxValue, out long modRevision, out VersionValue old);
        if (exists && delete.PrevKv)
        {
            KvReply.WriteRecord(
                reply, delete.Key.Span, old.Value, old.CreateRevision, modRevision, old.Version, old.Lease);
        }

        KvReply.WriteNoMoreRecords(reply);
        if (!exists) { return 0; }
        long lease = old.Lease;
        WriteTombstone(key);
        Attach(delete.Key.Span, lease, to: 0);
        return 1;
    }

    private long DeleteMany(KvCommand.DeleteRange delete, ByteWriter reply)
    {
        long count = 0;
        ReadOnlySpan<byte> from = delete.Key.Span;
        for (bool hasMore = true; hasMore;)
        {
            _deleted.Clear();
            using (var scan = new VersionScan(Store, from, delete.RangeEnd.Span, long.MaxValue))
            {
                for (; _deleted.Length < CollectedBytes && (hasMore = scan.MoveNext()); count++)
                {
                    var version = VersionValue.Read(scan.StoreValue);
                    _deleted.VarInt(version.Lease);
                    _deleted.Bytes(VersionKeys.Prefix(scan.StoreKey));
                    if (delete.PrevKv) { WriteRecord(scan.StoreKey, version, reply); }
                }
            }

            from = DeleteCollected();
        }

        KvReply.WriteNoMoreRecords(reply);
        return count;
    }

    // The place after the last of them.
    private ReadOnlySpan<byte> DeleteCollected()
    {
        ReadOnlySpan<byte> next = [];
        var prefixes = new ByteReader(_deleted.Written);
        while (!prefixes.AtEnd)
        {
            long lease = prefixes.VarInt();
            ReadOnlySpan<byte> prefix = prefixes.Bytes();
            Span<byte> key = Room(ref _key, prefix.Length + VersionKeys.SuffixBytes);
            prefix.CopyTo(key);
            WriteTombstone(key);
            if (lease != 0) { Attach(UserKey(prefix), lease, to: 0); }
            if (prefixes.AtEnd) { next = NextAfter(UserKey(prefix)); }
        }

        return next;
    }

    // The first user key that can come after this one.
    private ReadOnlySpan<byte> NextAfter(ReadOnlySpan<byte> userKey)
    {
        Span<byte> next = Room(ref _next, userKey.Length + 1);
        userKey.CopyTo(next);
        next[^1] = 0;
        return next;
    }

    private ReadOnlySpan<byte> UserKey(ReadOnlySpan<byte> prefix)
    {
        Span<byte> userKey = Room(ref _userKey, prefix.Length);
        return userKey[..VersionKeys.WriteUserKey(prefix, userKey)];
    }

    private void Attach(ReadOnlySpan<byte> userKey, long from, long to)
    {
        if (from == to) { return; }
        if (from != 0) { _attachments.Remove(Store, from, userKey); }
        if (to != 0) { _attachments.Add(Store, to, userKey); }
    }

    private void WriteRecord(ReadOnlySpan<byte> storeKey, in VersionValue version, ByteWriter reply)
    {
        KvReply.WriteRecord(
            reply,
            UserKey(VersionKeys.Prefix(storeKey)),
            version.Value,
            version.CreateRevision,
            VersionKeys.Revision(storeKey),
            version.Version,
            version.Lease);
    }

    private void WritePut(Span<byte> key, long createRevision, long version, long lease, ReadOnlySpan<byte> value)
    {
        _value.Clear();
        VersionValue.Write(_value, createRevision, version, lease, value);
        _recent.Set(VersionKeys.Prefix(key), createRevision, version, lease);
        Write(key);
    }

    private void WriteTombstone(Span<byte> key)
    {
        _value.Clear();
        VersionValue.WriteTombstone(_value);
        _recent.Set(VersionKeys.Prefix(key), createRevision: 0, version: 0, lease: 0);
        Write(key);
    }

    private void Write(Span<byte> key)
    {
        VersionKeys.WriteSuffix(_before + 1, _changes, key[^VersionKeys.SuffixBytes..]);
        Store.Put(key, _value.Written);
        Span<byte> change = stackalloc byte[ChangeKeys.Length];
        ChangeKeys.Write(_before + 1, _changes, change);
        Store.Put(change, VersionKeys.Escaped(VersionKeys.Prefix(key)));
        _changes++;
    }

    // The user key's prefix, and room for the suffix.
    private Span<byte> KeyFor(ReadOnlySpan<byte> userKey)
    {
        Span<byte> room = Room(ref _key, VersionKeys.MaxLength(userKey.Length));
        return room[..(VersionKeys.WritePrefix(userKey, room) + VersionKeys.SuffixBytes)];
    }

    private static Span<byte> Room(ref byte[] buffer, int length)
    {
        if (buffer.Length < length) { buffer = new byte[length * 2L]; }
        return buffer.AsSpan(0, length);
    }
}
