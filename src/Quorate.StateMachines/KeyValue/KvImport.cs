using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Fills an empty store with a keyspace that comes from elsewhere: versions in any order, leases, and at last the revisions. What a
/// machine keeps beside them (the index of changes, agenda, attachments) is derived here.
/// </summary>
public sealed class KvImport
{
    /// <summary>Time to live of a lease that keys hang on but of which nothing else is known: it ended before its state was saved.</summary>
    public const long UnknownLeaseSeconds = 60;

    private const int AttachedAtOnceBytes = 1024 * 1024;

    private readonly IStoreWriter _store;
    private readonly long _last;
    private readonly ByteWriter _value = new(4096);
    private readonly LeaseKeys _attachments = new();
    private byte[] _key = new byte[256];
    private byte[] _userKey = [];

    /// <param name="store">Empty.</param>
    /// <param name="last">The revision that the store will be at; versions of later ones are passed over.</param>
    public KvImport(IStoreWriter store, long last)
    {
        _store = store;
        _last = last;
    }

    /// <summary>Versions taken so far.</summary>
    public long Versions { get; private set; }

    /// <summary>Adds what a change made of a key.</summary>
    /// <param name="revision">The change's revision, at least 2.</param>
    /// <param name="sub">Its place among the changes of that revision.</param>
    /// <param name="record">The record; null: the key was deleted.</param>
    /// <param name="userKey">The key.</param>
    public void Add(long revision, uint sub, ReadOnlySpan<byte> userKey, KeyValueRecord? record)
    {
        int length = VersionKeys.MaxLength(userKey.Length);
        if (_key.Length < length) { _key = new byte[length * 2]; }
        int prefix = VersionKeys.WritePrefix(userKey, _key);
        VersionKeys.WriteSuffix(revision, sub, _key.AsSpan(prefix));
        _value.Clear();
        if (record is { } put) { VersionValue.Write(_value, put.CreateRevision, put.Version, put.Lease, put.Value.Span); }
        else { VersionValue.WriteTombstone(_value); }
        AddVersion(_key.AsSpan(0, prefix + VersionKeys.SuffixBytes), _value.Written);
    }

    /// <summary>Adds a lease, with its whole time before it.</summary>
    public void AddLease(long id, long seconds)
    {
        long deadline = seconds * 1000;
        LeaseStore.Write(_store, new LeaseRecord(id, seconds, deadline, deadline));
        LeaseStore.AddToAgenda(_store, deadline, id);
    }

    /// <summary>Adds a user.</summary>
    public void AddUser(KvUser user) => AuthStore.WriteUser(_store, user);

    /// <summary>Adds a role.</summary>
    public void AddRole(KvRole role) => AuthStore.WriteRole(_store, role);

    /// <summary>Adds all versions of a dump, and what else is in it.</summary>
    /// <param name="dump">Just opened.</param>
    /// <param name="withState">True: leases and users too. Of several dumps, those of the last one count.</param>
    /// <param name="pause">Called after each record, when nothing is half done.</param>
    /// <exception cref="CorruptFileException">The dump is damaged. The store is of no use then.</exception>
    public void AddDump(KvDumpReader dump, bool withState, Action pause)
    {
        while (dump.MoveNext())
        {
            if (VersionKeys.IsVersion(dump.Key)) { AddVersion(dump.Key, dump.Value); }
            else if (withState) { AddState(dump.Key, dump.Value); }
            pause();
        }
    }

    /// <summary>Hangs keys on their leases and sets the revisions: the store is whole.</summary>
    /// <param name="current">At least the greatest revision of a version.</param>
    /// <param name="compacted">-1: history begins at the first version.</param>
    /// <param name="pause">Called now and then, when nothing is half done.</param>
    public void Finish(long current, long compacted, Action pause)
    {
        Attach(pause);
        new KvMeta(current, compacted).Write(_store);
    }

    private void AddVersion(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        long revision = VersionKeys.Revision(key);
        if (revision > _last) { return; }
        Versions++;
        _store.Put(key, value);
        Span<byte> change = stackalloc byte[ChangeKeys.Length];
        ChangeKeys.Write(revision, VersionKeys.Sub(key), change);
        _store.Put(change, VersionKeys.Escaped(VersionKeys.Prefix(key)));
    }

    private void AddState(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (KvDumpRecords.IsLeftOut(key)) { return; }
        _store.Put(key, value);
        if (LeaseStore.IsRecord(key, out long id) && LeaseStore.TryRead(_store, id, out LeaseRecord lease)) { AddLease(id, lease.Seconds); }
    }

    // The newest version of each key says on which lease it hangs. In pieces: the store must not change under a cursor.
    private void Attach(Action pause)
    {
        byte[]? from = [];
        var found = new ByteWriter(AttachedAtOnceBytes);
        while (from is not null)
        {
            found.Clear();
            from = FindLeased(from, found);
            var reader = new ByteReader(found.Written);
            while (!reader.AtEnd)
            {
                long lease = reader.VarInt();
                ReadOnlySpan<byte> userKey = reader.Bytes();
                if (!LeaseStore.Exists(_store, lease)) { AddLease(lease, UnknownLeaseSeconds); }
                _attachments.Add(_store, lease, userKey);
                pause();
            }
        }
    }

    // The place to go on at; null at the end.
    private byte[]? FindLeased(byte[] from, ByteWriter found)
    {
        using var scan = new VersionScan(_store, from.Length == 0 ? [0] : from, [0], long.MaxValue);
        while (scan.MoveNext())
        {
            var version = VersionValue.Read(scan.StoreValue);
            if (version.Lease == 0) { continue; }
            ReadOnlySpan<byte> prefix = VersionKeys.Prefix(scan.StoreKey);
            if (_userKey.Length < prefix.Length) { _userKey = new byte[prefix.Length * 2]; }
            int length = VersionKeys.WriteUserKey(prefix, _userKey);
            found.VarInt(version.Lease);
            found.Bytes(_userKey.AsSpan(0, length));
            if (found.Length >= AttachedAtOnceBytes) { return [.. _userKey.AsSpan(0, length), 0]; }
        }

        return null;
    }
}
