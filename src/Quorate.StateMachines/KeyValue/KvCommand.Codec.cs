using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

// Payload: format u8 (1) | kind u8 | body. DESIGN.md has the bodies and a worked example.
public abstract partial record KvCommand
{
    internal const byte Format = 1;

    // The fewest bytes that an element of a list takes: bounds a list before it is allocated.
    private const int LeastCompareBytes = 6;
    private const int LeastOpBytes = 3;

    internal enum Kind : byte
    {
        Put = 1,
        DeleteRange = 2,
        Range = 3,
        Txn = 4,
        Compact = 5,
        LeaseGrant = 6,
        LeaseRevoke = 7,
        LeaseRenew = 8,

        // Of users: 40 to 69.
        From = 40,
        AuthEnable = 41,
        AuthDisable = 42,
        UserAdd = 43,
        UserDelete = 44,
        UserSetPassword = 45,
        UserGrantRole = 46,
        UserRevokeRole = 47,
        RoleAdd = 48,
        RoleDelete = 49,
        RoleGrant = 50,
        RoleRevoke = 51,
        TokenAdd = 52,
        TokenRenew = 53,
        Alarm = 70,
        CheckBegin = 71,
        CheckReport = 72,
        KeyspaceCreate = 90,
        KeyspaceUpdate = 91,
        KeyspaceDelete = 92,

        // 80 to 89: members.
        MemberAdd = 80,
        MemberPromote = 81,
        MemberRemove = 82,
        MemberUpdate = 83,
        MemberPublish = 84,
        MemberSeed = 85,
    }

    [Flags]
    private enum PutFlags : byte
    {
        PrevKv = 1,
        IgnoreValue = 2,
        IgnoreLease = 4,
        All = 7,
    }

    /// <summary>Appends a put without building one: the hot path of a door.</summary>
    /// <param name="writer">Gets the payload appended.</param>
    /// <param name="key">See <see cref="Put"/>; copied, as the value is.</param>
    /// <param name="value">See <see cref="Put"/>.</param>
    /// <param name="lease">See <see cref="Put.Lease"/>.</param>
    /// <param name="prevKv">See <see cref="Put.PrevKv"/>.</param>
    /// <param name="ignoreValue">See <see cref="Put.IgnoreValue"/>.</param>
    /// <param name="ignoreLease">See <see cref="Put.IgnoreLease"/>.</param>
    public static void EncodePut(
        ByteWriter writer,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> value,
        long lease = 0,
        bool prevKv = false,
        bool ignoreValue = false,
        bool ignoreLease = false)
    {
        writer.U8(Format);
        WritePut(writer, new PutFields(key, value, lease, prevKv, ignoreValue, ignoreLease));
    }

    /// <summary>Appends the command's payload.</summary>
    /// <remarks>A transaction too deep or with a <see cref="NoRequest"/> is a bug of the caller: ask <see cref="RequestChecks"/> first.</remarks>
    public void Encode(ByteWriter writer)
    {
        writer.U8(Format);
        Write(writer, this, depth: 1);
    }

    /// <summary>Reads a payload. Never throws on content.</summary>
    /// <param name="payload">The command's memory refers to it: leave it unchanged as long as the command is used.</param>
    /// <param name="command">The command, not checked by <see cref="RequestChecks"/> yet.</param>
    /// <returns>False if the payload is malformed, of a newer format or nested too deep.</returns>
    public static bool TryDecode(ReadOnlyMemory<byte> payload, [NotNullWhen(true)] out KvCommand? command)
    {
        var reader = new ByteReader(payload.Span);
        command = reader.U8() == Format ? Read(ref reader, payload, depth: 1) : null;
        if (!reader.AtEnd) { command = null; }
        return command is not null;
    }

    /// <summary>What a payload says it is, whoever sends it, without reading the rest; no value of <see cref="Kind"/> if it cannot be told.</summary>
    internal static Kind KindOf(ReadOnlySpan<byte> payload) => Unwrap(payload, out _) is [Format, byte kind, ..] ? (Kind)kind : default;

    /// <summary>Reads a payload that is a put, without building one.</summary>
    internal static bool TryReadPut(ReadOnlySpan<byte> payload, out PutFields put)
    {
        var reader = new ByteReader(payload);
        put = default;
        if (reader.U8() != Format || (Kind)reader.U8() != Kind.Put) { return false; }
        put = ReadPut(ref reader);
        return reader.AtEnd;
    }

    private static void Write(ByteWriter writer, KvCommand command, int depth)
    {
        switch (command)
        {
            case Put put:
                WritePut(writer, new PutFields(put));
                break;
            case DeleteRange delete:
                writer.U8((byte)Kind.DeleteRange);
                writer.Bool(delete.PrevKv);
                writer.Bytes(delete.Key.Span);
                writer.Bytes(delete.RangeEnd.Span);
                break;
            case Range range:
                writer.U8((byte)Kind.Range);
                WriteQuery(writer, range.Query);
                break;
            case Txn txn:
                Invariant.Holds(depth <= MaxTxnDepth, $"a transaction at level {depth}");
                writer.U8((byte)Kind.Txn);
                WriteTxn(writer, txn, depth);
                break;
            case Compact compact:
                writer.U8((byte)Kind.Compact);
                writer.VarInt(compact.Revision);
                writer.Bool(compact.Physical);
                break;
            case LeaseGrant grant:
                writer.U8((byte)Kind.LeaseGrant);
                writer.VarInt(grant.Id);
                writer.VarInt(grant.Seconds);
                break;
            case LeaseRevoke revoke:
                writer.U8((byte)Kind.LeaseRevoke);
                writer.VarInt(revoke.Id);
                break;
            case LeaseRenew renew:
                writer.U8((byte)Kind.LeaseRenew);
                writer.VarInt(renew.Id);
                break;
            case Auth auth:
                WriteAuth(writer, auth);
                break;
            case Alarm alarm:
                writer.U8((byte)Kind.Alarm);
                writer.Bool(alarm.Raise);
                writer.U64(alarm.Member);
                writer.VarInt((int)alarm.Type);
                break;
            case CheckBegin begin:
                writer.U8((byte)Kind.CheckBegin);
                writer.VarUInt((ulong)begin.HashFormat);
                break;
            case CheckReport report:
                writer.U8((byte)Kind.CheckReport);
                writer.VarUInt(report.At.Value);
                CheckBook.Write(writer, report.Report);
                break;
            case KeyspaceCreate create:
                writer.U8((byte)Kind.KeyspaceCreate);
                writer.Text(create.Name);
                writer.VarInt(create.QuotaBytes);
                break;
            case KeyspaceUpdate update:
                writer.U8((byte)Kind.KeyspaceUpdate);
                writer.Text(update.Name);
                writer.VarInt(update.QuotaBytes);
                break;
            case KeyspaceDelete delete:
                writer.U8((byte)Kind.KeyspaceDelete);
                writer.Text(delete.Name);
                break;
            case MemberAdd or MemberPromote or MemberRemove or MemberUpdate or MemberPublish or MemberSeed:
                MemberCodec.Write(writer, command);
                break;
            default:
                throw Invariant.Unreachable(command);
        }
    }

    private static void WritePut(ByteWriter writer, scoped in PutFields put)
    {
        writer.U8((byte)Kind.Put);
        writer.U8((byte)((put.PrevKv ? PutFlags.PrevKv : 0)
            | (put.IgnoreValue ? PutFlags.IgnoreValue : 0)
            | (put.IgnoreLease ? PutFlags.IgnoreLease : 0)));
        writer.VarInt(put.Lease);
        writer.Bytes(put.Key);
        writer.Bytes(put.Value);
    }

    private static void WriteQuery(ByteWriter writer, in RangeQuery query)
    {
        writer.Bytes(query.Key.Span);
        writer.Bytes(query.RangeEnd.Span);
        writer.VarInt(query.Limit);
        writer.VarInt(query.Revision);
        writer.VarInt((int)query.SortOrder);
        writer.VarInt((int)query.SortTarget);
        writer.Bool(query.KeysOnly);
        writer.Bool(query.CountOnly);
        writer.VarInt(query.MinModRevision);
        writer.VarInt(query.MaxModRevision);
        writer.VarInt(query.MinCreateRevision);
        writer.VarInt(query.MaxCreateRevision);
    }

    private static void WriteTxn(ByteWriter writer, Txn txn, int depth)
    {
        writer.VarUInt((ulong)txn.Compares.Length);
        foreach (KvCompare compare in txn.Compares)
        {
            writer.VarInt((int)compare.Target);
            writer.VarInt((int)compare.Result);
            writer.Bytes(compare.Key.Span);
            writer.Bytes(compare.RangeEnd.Span);
            writer.VarInt(compare.Number);
            writer.Bytes(compare.Value.Span);
        }

        writer.VarUInt((ulong)txn.Success.Length);
        foreach (Op operation in txn.Success) { Write(writer, operation, depth + 1); }
        writer.VarUInt((ulong)txn.Failure.Length);
        foreach (Op operation in txn.Failure) { Write(writer, operation, depth + 1); }
    }

    // Null with a reader that failed or stands before the end; the caller looks at the reader.
    private static KvCommand? Read(ref ByteReader reader, ReadOnlyMemory<byte> payload, int depth)
    {
        var kind = (Kind)reader.U8();
        switch (kind)
        {
            case Kind.Put:
                PutFields put = ReadPut(ref reader);
                ReadOnlyMemory<byte> value = payload[(reader.Offset - put.Value.Length)..reader.Offset];
                return new Put(payload.Slice(put.KeyOffset, put.Key.Length), value)
                {
                    Lease = put.Lease,
                    PrevKv = put.PrevKv,
                    IgnoreValue = put.IgnoreValue,
                    IgnoreLease = put.IgnoreLease,
                };
            case Kind.DeleteRange:
                bool prevKv = reader.Bool();
                return new DeleteRange(Bytes(ref reader, payload), Bytes(ref reader, payload)) { PrevKv = prevKv };
            case Kind.Range:
                return new Range(ReadQuery(ref reader, payload));
            case Kind.Txn:
                return depth <= MaxTxnDepth ? ReadTxn(ref reader, payload, depth) : null;
            case Kind.Compact:
                return depth == 1 ? new Compact(reader.VarInt(), reader.Bool()) : null;
            case Kind.LeaseGrant:
                return depth == 1 ? new LeaseGrant(reader.VarInt(), reader.VarInt()) : null;
            case Kind.LeaseRevoke:
                return depth == 1 ? new LeaseRevoke(reader.VarInt()) : null;
            case Kind.LeaseRenew:
                return depth == 1 ? new LeaseRenew(reader.VarInt()) : null;
            case Kind.Alarm:
                return depth == 1 ? new Alarm(reader.Bool(), reader.U64(), (KvAlarmType)Int32(ref reader)) : null;
            case Kind.CheckBegin:
                return depth == 1 ? new CheckBegin(reader.Count(int.MaxValue)) : null;
            case Kind.CheckReport:
                return depth == 1 ? new CheckReport(new(reader.VarUInt()), CheckBook.Read(ref reader)) : null;
            case Kind.KeyspaceCreate:
                return depth == 1 ? new KeyspaceCreate(reader.Text(), reader.VarInt()) : null;
            case Kind.KeyspaceUpdate:
                return depth == 1 ? new KeyspaceUpdate(reader.Text(), reader.VarInt()) : null;
            case Kind.KeyspaceDelete:
                return depth == 1 ? new KeyspaceDelete(reader.Text()) : null;
            case >= Kind.MemberAdd and <= Kind.MemberSeed:
                return depth == 1 ? MemberCodec.Read(kind, ref reader) : null;
            default:
                return depth == 1 ? ReadAuth(kind, ref reader, payload) : null;
        }
    }

    private static PutFields ReadPut(scoped ref ByteReader reader)
    {
        var flags = (PutFlags)reader.U8();
        long lease = reader.VarInt();
        ReadOnlySpan<byte> key = reader.Bytes();
        int keyOffset = reader.Offset - key.Length;
        ReadOnlySpan<byte> value = reader.Bytes();
        if ((flags & ~PutFlags.All) != 0) { reader.Raw(-1); }
        return new PutFields(
            key,
            value,
            lease,
            prevKv: (flags & PutFlags.PrevKv) != 0,
            ignoreValue: (flags & PutFlags.IgnoreValue) != 0,
            ignoreLease: (flags & PutFlags.IgnoreLease) != 0)
        {
            KeyOffset = keyOffset,
        };
    }

    private static RangeQuery ReadQuery(ref ByteReader reader, ReadOnlyMemory<byte> payload) => new()
    {
        Key = Bytes(ref reader, payload),
        RangeEnd = Bytes(ref reader, payload),
        Limit = reader.VarInt(),
        Revision = reader.VarInt(),
        SortOrder = (KvSortOrder)Int32(ref reader),
        SortTarget = (KvSortTarget)Int32(ref reader),
        KeysOnly = reader.Bool(),
        CountOnly = reader.Bool(),
        MinModRevision = reader.VarInt(),
        MaxModRevision = reader.VarInt(),
        MinCreateRevision = reader.VarInt(),
        MaxCreateRevision = reader.VarInt(),
    };

    private static Txn? ReadTxn(ref ByteReader reader, ReadOnlyMemory<byte> payload, int depth)
    {
        var compares = new KvCompare[reader.Count(reader.Remaining / LeastCompareBytes)];
        for (int i = 0; i < compares.Length; i++)
        {
            compares[i] = new KvCompare
            {
                Target = (KvCompareTarget)Int32(ref reader),
                Result = (KvCompareResult)Int32(ref reader),
                Key = Bytes(ref reader, payload),
                RangeEnd = Bytes(ref reader, payload),
                Number = reader.VarInt(),
                Value = Bytes(ref reader, payload),
            };
        }

        return ReadOps(ref reader, payload, depth) is { } success && ReadOps(ref reader, payload, depth) is { } failure
            ? new Txn(
                ImmutableCollectionsMarshal.AsImmutableArray(compares),
                ImmutableCollectionsMarshal.AsImmutableArray(success),
                ImmutableCollectionsMarshal.AsImmutableArray(failure))
            : null;
    }

    private static Op[]? ReadOps(ref ByteReader reader, ReadOnlyMemory<byte> payload, int depth)
    {
        var operations = new Op[reader.Count(reader.Remaining / LeastOpBytes)];
        for (int i = 0; i < operations.Length; i++)
        {
            if (Read(ref reader, payload, depth + 1) is not Op operation || reader.Failed) { return null; }
            operations[i] = operation;
        }

        return operations;
    }

    private static ReadOnlyMemory<byte> Bytes(ref ByteReader reader, ReadOnlyMemory<byte> payload)
    {
        int length = reader.Bytes().Length;
        return payload.Slice(reader.Offset - length, length);
    }

    private static int Int32(ref ByteReader reader)
    {
        long value = reader.VarInt();
        if (value == (int)value) { return (int)value; }
        reader.Raw(-1); // Fails the reader.
        return 0;
    }

    /// <summary>The fields of a put, as spans.</summary>
    internal readonly ref struct PutFields
    {
        public PutFields(
            ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long lease, bool prevKv, bool ignoreValue, bool ignoreLease)
        {
            Key = key;
            Value = value;
            Lease = lease;
            PrevKv = prevKv;
            IgnoreValue = ignoreValue;
            IgnoreLease = ignoreLease;
        }

        public PutFields(Put put)
            : this(put.Key.Span, put.Value.Span, put.Lease, put.PrevKv, put.IgnoreValue, put.IgnoreLease)
        {
        }

        public ReadOnlySpan<byte> Key { get; }

        public ReadOnlySpan<byte> Value { get; }

        public long Lease { get; }

        public bool PrevKv { get; }

        public bool IgnoreValue { get; }

        public bool IgnoreLease { get; }

        /// <summary>Where the key stands in the payload it was read from.</summary>
        public int KeyOffset { get; init; }
    }
}
