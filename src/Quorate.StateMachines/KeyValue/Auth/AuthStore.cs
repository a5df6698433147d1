using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Store records of users. State: kind u8 (7). User: kind u8 (8) | name. Role: kind u8 (9) | name. Token: kind u8 (10) | 0 | hash, and on
/// the agenda kind u8 (10) | 1 | time u64 big-endian | hash, without a value. DESIGN.md has the values.
/// </summary>
internal static class AuthStore
{
    /// <summary>Bytes of a token's hash.</summary>
    public const int HashBytes = 32;

    private const byte StateKind = 7;
    private const byte UserKind = 8;
    private const byte RoleKind = 9;
    /// <summary>Of tokens and their agenda: they end by this shard's clock, and mean nothing elsewhere.</summary>
    public const byte TokenKind = 10;


    private const byte TokenRecord = 0;
    private const byte TokenAgenda = 1;
    private const byte Format = 1;
    private const int AgendaKeyBytes = 10 + HashBytes;

    /// <summary>All records of this class lie from here...</summary>
    public static ReadOnlySpan<byte> Lower => [StateKind];

    /// <summary>...to before here.</summary>
    public static ReadOnlySpan<byte> Upper => [TokenKind + 1];

    public static KvAuthState ReadState(IStoreReader store)
    {
        if (!store.TryGet([StateKind], out ReadOnlySpan<byte> value)) { return new KvAuthState(IsEnabled: false, Revision: 1, TokensSince: 0); }
        var reader = Begin(value);
        var state = new KvAuthState(reader.Bool(), (long)reader.VarUInt(), (long)reader.VarUInt());
        End(reader, value);
        return state;
    }

    public static void WriteState(IStoreWriter store, in KvAuthState state)
    {
        ByteWriter value = NewValue();
        value.Bool(state.IsEnabled);
        value.VarUInt((ulong)state.Revision);
        value.VarUInt((ulong)state.TokensSince);
        store.Put([StateKind], value.Written);
    }

    public static KvUser? FindUser(IStoreReader store, string name) =>
        name.Length > 0 && store.TryGet(Key(UserKind, name), out ReadOnlySpan<byte> value) ? ReadUser(name, value) : null;

    public static void WriteUser(IStoreWriter store, KvUser user)
    {
        ByteWriter value = NewValue();
        value.Bool(user.HasPassword);
        value.VarUInt((ulong)user.PasswordRevision);
        value.Bytes(user.Password.Span);
        value.VarUInt((ulong)user.Roles.Length);
        foreach (string role in user.Roles) { value.Text(role); }
        store.Put(Key(UserKind, user.Name), value.Written);
    }

    public static void DeleteUser(IStoreWriter store, string name) => store.Delete(Key(UserKind, name));

    public static ImmutableArray<KvUser> ReadUsers(IStoreReader store) => ReadAll(store, UserKind, ReadUser);

    public static KvRole? FindRole(IStoreReader store, string name) =>
        name.Length > 0 && store.TryGet(Key(RoleKind, name), out ReadOnlySpan<byte> value) ? ReadRole(name, value) : null;

    public static void WriteRole(IStoreWriter store, KvRole role)
    {
        ByteWriter value = NewValue();
        value.VarUInt((ulong)role.Permissions.Length);
        foreach (KvPermission permission in role.Permissions)
        {
            value.VarInt((int)permission.Type);
            value.Bytes(permission.Key.Span);
            value.Bytes(permission.RangeEnd.Span);
        }

        store.Put(Key(RoleKind, role.Name), value.Written);
    }

    public static void DeleteRole(IStoreWriter store, string name) => store.Delete(Key(RoleKind, name));

    public static ImmutableArray<KvRole> ReadRoles(IStoreReader store) => ReadAll(store, RoleKind, ReadRole);

    public static KvToken? FindToken(IStoreReader store, ReadOnlySpan<byte> hash)
    {
        if (!store.TryGet([TokenKind, TokenRecord, .. hash], out ReadOnlySpan<byte> value)) { return null; }
        var reader = Begin(value);
        var token = new KvToken(
            Revision: (long)reader.VarUInt(), Deadline: (long)reader.VarUInt(), LookAt: (long)reader.VarUInt(), User: reader.Text());
        End(reader, value);
        return token;
    }

    public static void WriteToken(IStoreWriter store, ReadOnlySpan<byte> hash, KvToken token)
    {
        ByteWriter value = NewValue();
        value.VarUInt((ulong)token.Revision);
        value.VarUInt((ulong)token.Deadline);
        value.VarUInt((ulong)token.LookAt);
        value.Text(token.User);
        store.Put([TokenKind, TokenRecord, .. hash], value.Written);
    }

    public static void DeleteToken(IStoreWriter store, ReadOnlySpan<byte> hash) => store.Delete([TokenKind, TokenRecord, .. hash]);

    public static void AddToAgenda(IStoreWriter store, long time, ReadOnlySpan<byte> hash) =>
        store.Put([.. AgendaKey(time), .. hash], []);

    public static void TakeFromAgenda(IStoreWriter store, long time, ReadOnlySpan<byte> hash) =>
        store.Delete([.. AgendaKey(time), .. hash]);

    /// <summary>The first entries of the agenda from a time on, in order of time.</summary>
    /// <param name="store">The store.</param>
    /// <param name="from">The first time that counts. What was taken off before it need not be stepped over.</param>
    /// <param name="until">The last one.</param>
    /// <param name="most">How many at most.</param>
    public static List<(long Time, byte[] Hash)> ReadAgenda(IStoreReader store, long from, long until, int most)
    {
        var entries = new List<(long, byte[])>();
        using ICursor cursor = store.OpenCursor(AgendaKey(from), AgendaKey(until + 1));
        for (bool isValid = cursor.SeekFirst(); isValid && entries.Count < most; isValid = cursor.Next())
        {
            Invariant.Holds(cursor.Key.Length == AgendaKeyBytes, $"an entry of {cursor.Key.Length} bytes");
            entries.Add(((long)BinaryPrimitives.ReadUInt64BigEndian(cursor.Key[2..]), cursor.Key[10..].ToArray()));
        }

        return entries;
    }

    private delegate T ReadRecord<T>(string name, ReadOnlySpan<byte> value);

    private static ImmutableArray<T> ReadAll<T>(IStoreReader store, byte kind, ReadRecord<T> read)
    {
        ImmutableArray<T>.Builder all = ImmutableArray.CreateBuilder<T>();
        using ICursor cursor = store.OpenCursor([kind], [(byte)(kind + 1)]);
        for (bool isValid = cursor.SeekFirst(); isValid; isValid = cursor.Next())
        {
            all.Add(read(Encoding.UTF8.GetString(cursor.Key[1..]), cursor.Value));
        }

        return all.DrainToImmutable();
    }

    private static KvUser ReadUser(string name, ReadOnlySpan<byte> value)
    {
        var reader = Begin(value);
        bool hasPassword = reader.Bool();
        long passwordRevision = (long)reader.VarUInt();
        byte[] password = reader.Bytes().ToArray();
        string[] roles = new string[reader.Count(reader.Remaining)];
        for (int i = 0; i < roles.Length; i++) { roles[i] = reader.Text(); }
        End(reader, value);
        return new KvUser(name, password, hasPassword, passwordRevision, [.. roles]);
    }

    private static KvRole ReadRole(string name, ReadOnlySpan<byte> value)
    {
        var reader = Begin(value);
        var permissions = new KvPermission[reader.Count(reader.Remaining)];
        for (int i = 0; i < permissions.Length; i++)
        {
            permissions[i] = new KvPermission((KvPermissionType)reader.VarInt(), reader.Bytes().ToArray(), reader.Bytes().ToArray());
        }

        End(reader, value);
        return new KvRole(name, [.. permissions]);
    }

    private static byte[] Key(byte kind, string name) => [kind, .. Encoding.UTF8.GetBytes(name)];

    private static byte[] AgendaKey(long time)
    {
        byte[] key = new byte[10];
        key[0] = TokenKind;
        key[1] = TokenAgenda;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(2), (ulong)time);
        return key;
    }

    private static ByteWriter NewValue()
    {
        var value = new ByteWriter(64);
        value.U8(Format);
        return value;
    }

    private static ByteReader Begin(ReadOnlySpan<byte> value)
    {
        var reader = new ByteReader(value);
        byte format = reader.U8();
        Invariant.Holds(format == Format, $"a record of users of format {format}");
        return reader;
    }

    private static void End(in ByteReader reader, ReadOnlySpan<byte> value) =>
        Invariant.Holds(reader.AtEnd, $"a record of users of {value.Length} bytes");
}
