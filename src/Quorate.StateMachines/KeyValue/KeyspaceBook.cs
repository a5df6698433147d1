using System.Collections.Immutable;
using System.Text;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Which keyspaces the cluster has beside the first. Counter: kind u8 (0F); format u8 (1) | next shard varuint. Keyspace: kind
/// u8 (10) | name; format u8 (1) | shard varuint | machine varuint | quota varuint | n varuint, n voters: replica u64, node u64.
/// </summary>
/// <remarks>Only the machine of a cluster's first shard is ever asked for any of this.</remarks>
internal sealed class KeyspaceBook
{
    private const byte CounterKind = 0x0F;
    private const byte RecordKind = 0x10;
    private const byte Format = 1;

    /// <summary>All records about keyspaces lie from here...</summary>
    public static ReadOnlySpan<byte> Lower => [CounterKind];

    /// <summary>...to before here.</summary>
    public static ReadOnlySpan<byte> Upper => [RecordKind + 1];

    /// <summary>The keyspaces; another object after each change.</summary>
    public KeyspaceList List { get; private set; } = KeyspaceList.Empty;

    /// <summary>Reads what it keeps in memory.</summary>
    public void Open(IStoreReader store) => List = ReadAll(store);

    /// <summary>The keyspaces of a store.</summary>
    public static KeyspaceList ReadAll(IStoreReader store)
    {
        if (!store.TryGet([CounterKind], out ReadOnlySpan<byte> counter)) { return KeyspaceList.Empty; }
        var reader = new ByteReader(counter);
        byte format = reader.U8();
        var next = new ShardId(reader.VarUInt());
        Invariant.Holds(reader.AtEnd && format == Format, $"a counter of {counter.Length} bytes, format {format}");
        var keyspaces = new List<Keyspace>();
        using ICursor cursor = store.OpenCursor([RecordKind], [RecordKind + 1]);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next()) { keyspaces.Add(Read(cursor.Key, cursor.Value)); }
        return new KeyspaceList(next, keyspaces);
    }

    /// <summary>Creates a keyspace; its group begins with the voters of this one.</summary>
    public KvRefusal Create(KvCommand.KeyspaceCreate create, ImmutableArray<ReplicaPlace> voters, IStoreWriter store, out Keyspace? created)
    {
        created = null;
        if (Check(create.Name, create.QuotaBytes) is var refusal && refusal != KvRefusal.None) { return refusal; }
        if (create.Name == KeyspaceRules.DefaultName || List.Find(create.Name) is not null) { return KvRefusal.KeyspaceExists; }
        if (List.Count >= KeyspaceRules.MaxKeyspaces) { return KvRefusal.TooManyKeyspaces; }
        created = new Keyspace(create.Name, List.Next, (int)Catalog.KeyValue.Id, voters, create.QuotaBytes);
        var next = new ShardId(List.Next.Value + 1);
        var value = new ByteWriter(16);
        value.U8(Format);
        value.VarUInt(next.Value);
        store.Put([CounterKind], value.Written);
        Write(store, created);
        List = new KeyspaceList(next, List.All.Append(created));
        return KvRefusal.None;
    }

    /// <summary>Changes a keyspace's options.</summary>
    public KvRefusal Update(KvCommand.KeyspaceUpdate update, IStoreWriter store, out Keyspace? updated)
    {
        KvRefusal refusal = Find(update.Name, update.QuotaBytes, out updated);
        if (refusal != KvRefusal.None) { return refusal; }
        Keyspace changed = updated! with { QuotaBytes = update.QuotaBytes };
        updated = changed;
        Write(store, changed);
        List = new KeyspaceList(List.Next, List.All.Select(keyspace => keyspace.Shard == changed.Shard ? changed : keyspace));
        return KvRefusal.None;
    }

    /// <summary>Deletes a keyspace. Its shard's number stays used up.</summary>
    public KvRefusal Delete(KvCommand.KeyspaceDelete delete, IStoreWriter store, out Keyspace? deleted)
    {
        KvRefusal refusal = Find(delete.Name, quotaBytes: 0, out deleted);
        if (refusal != KvRefusal.None) { return refusal; }
        ShardId gone = deleted!.Shard;
        store.Delete(KeyOf(delete.Name));
        List = new KeyspaceList(List.Next, List.All.Where(keyspace => keyspace.Shard != gone));
        return KvRefusal.None;
    }

    private KvRefusal Find(string name, long quotaBytes, out Keyspace? found)
    {
        found = null;
        if (Check(name, quotaBytes) is var refusal && refusal != KvRefusal.None) { return refusal; }
        if (name == KeyspaceRules.DefaultName) { return KvRefusal.KeyspaceIsDefault; }
        found = List.Find(name);
        return found is null ? KvRefusal.KeyspaceNotFound : KvRefusal.None;
    }

    private static KvRefusal Check(string name, long quotaBytes) =>
        !KeyspaceRules.IsName(name) ? KvRefusal.KeyspaceName
        : quotaBytes < 0 ? KvRefusal.KeyspaceQuota
        : KvRefusal.None;

    // A name is ASCII: Check has seen to it.
    private static byte[] KeyOf(string name) => [RecordKind, .. Encoding.ASCII.GetBytes(name)];

    private static void Write(IStoreWriter store, Keyspace keyspace)
    {
        var value = new ByteWriter(64);
        value.U8(Format);
        value.VarUInt(keyspace.Shard.Value);
        value.VarUInt((ulong)keyspace.Machine);
        value.VarUInt((ulong)keyspace.QuotaBytes);
        value.VarUInt((ulong)keyspace.Voters.Length);
        foreach ((ReplicaId replica, NodeId node) in keyspace.Voters)
        {
            value.U64(replica.Value);
            value.U64(node.Value);
        }

        store.Put(KeyOf(keyspace.Name), value.Written);
    }

    private static Keyspace Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var reader = new ByteReader(value);
        byte format = reader.U8();
        var shard = new ShardId(reader.VarUInt());
        int machine = reader.Count(int.MaxValue);
        long quota = (long)reader.VarUInt();
        int count = reader.Count(reader.Remaining / 16);
        ImmutableArray<ReplicaPlace>.Builder voters = ImmutableArray.CreateBuilder<ReplicaPlace>(count);
        for (int i = 0; i < count; i++) { voters.Add(new(new(reader.U64()), new(reader.U64()))); }
        Invariant.Holds(reader.AtEnd && format == Format, $"a keyspace of {value.Length} bytes, format {format}");
        return new Keyspace(Encoding.ASCII.GetString(key[1..]), shard, machine, voters.MoveToImmutable(), quota);
    }
}
