using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

// Reply: format u8 (1) | kind u8 | body, the revision last, so that a machine can write a reply while it executes.
// A list of records is 1 | record for each, then 0. DESIGN.md has the bodies.
public abstract partial record KvReply
{
    internal const byte Format = 1;

    private const int LeastReplyBytes = 2;
    private const int LeastAlarmBytes = 9;

    internal enum Kind : byte
    {
        Put = 1,
        DeleteRange = 2,
        Range = 3,
        Txn = 4,
        Compact = 5,
        Refused = 6,
        LeaseGrant = 7,
        LeaseRevoke = 8,
        LeaseRenew = 9,
        AuthDone = 40,
        Alarm = 70,
        CheckNoted = 71,
        Keyspace = 90,
        Member = 80,
    }

    /// <summary>Appends the reply's bytes.</summary>
    public void Encode(ByteWriter writer)
    {
        writer.U8(Format);
        Write(writer, this);
    }

    /// <summary>Reads a reply. Never throws on content.</summary>
    /// <param name="bytes">The reply's memory refers to it: leave it unchanged as long as the reply is used.</param>
    /// <param name="reply">The reply.</param>
    /// <returns>False if the bytes are malformed or of a newer format.</returns>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out KvReply? reply)
    {
        var reader = new ByteReader(bytes.Span);
        reply = reader.U8() == Format ? Read(ref reader, bytes, depth: 1) : null;
        if (!reader.AtEnd) { reply = null; }
        return reply is not null;
    }

    internal static void WriteRecord(
        ByteWriter writer,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> value,
        long createRevision,
        long modRevision,
        long version,
        long lease)
    {
        writer.U8(1);
        writer.Bytes(key);
        writer.VarInt(createRevision);
        writer.VarInt(modRevision);
        writer.VarInt(version);
        writer.VarInt(lease);
        writer.Bytes(value);
    }

    internal static void WriteNoMoreRecords(ByteWriter writer) => writer.U8(0);

    internal static void EncodeRefused(ByteWriter writer, long revision, KvRefusal refusal)
    {
        writer.U8(Format);
        writer.U8((byte)Kind.Refused);
        writer.U8((byte)refusal);
        writer.VarInt(revision);
    }

    internal static void WriteRange(ByteWriter writer, in RangeResult result)
    {
        Invariant.Holds(result.Refusal == KvRefusal.None, $"{result.Refusal}");
        writer.U8((byte)Kind.Range);
        WriteRecords(writer, result.Records);
        writer.Bool(result.More);
        writer.VarInt(result.Count);
        writer.VarInt(result.Revision);
    }

    private static void Write(ByteWriter writer, KvReply reply)
    {
        switch (reply)
        {
            case Put put:
                writer.U8((byte)Kind.Put);
                if (put.Previous is { } previous) { WriteRecord(writer, previous); }
                WriteNoMoreRecords(writer);
                writer.VarInt(put.Revision);
                break;
            case DeleteRange delete:
                writer.U8((byte)Kind.DeleteRange);
                WriteRecords(writer, delete.Previous);
                writer.VarInt(delete.Deleted);
                writer.VarInt(delete.Revision);
                break;
            case Range range:
                WriteRange(writer, range.Result);
                break;
            case Txn txn:
                writer.U8((byte)Kind.Txn);
                writer.Bool(txn.Succeeded);
                writer.VarUInt((ulong)txn.Responses.Length);
                foreach (KvReply response in txn.Responses) { Write(writer, response); }
                writer.VarInt(txn.Revision);
                break;
            case Compact compact:
                writer.U8((byte)Kind.Compact);
                writer.VarInt(compact.Revision);
                break;
            case LeaseGrant grant:
                writer.U8((byte)Kind.LeaseGrant);
                writer.VarInt(grant.Id);
                writer.VarInt(grant.Seconds);
                writer.VarInt(grant.Revision);
                break;
            case LeaseRevoke revoke:
                writer.U8((byte)Kind.LeaseRevoke);
                writer.VarInt(revoke.Revision);
                break;
            case LeaseRenew renew:
                writer.U8((byte)Kind.LeaseRenew);
                writer.VarInt(renew.Seconds);
                writer.VarInt(renew.Revision);
                break;
            case AuthDone done:
                writer.U8((byte)Kind.AuthDone);
                writer.VarInt(done.Revision);
                break;
            case Alarm alarm:
                writer.U8((byte)Kind.Alarm);
                writer.VarUInt((ulong)alarm.Alarms.Length);
                foreach (KvAlarm raised in alarm.Alarms)
                {
                    writer.U64(raised.Member);
                    writer.VarInt((int)raised.Type);
                }

                writer.VarInt(alarm.Revision);
                break;
            case CheckNoted noted:
                writer.U8((byte)Kind.CheckNoted);
                writer.VarInt(noted.Revision);
                break;
            case Keyspace keyspace:
                writer.U8((byte)Kind.Keyspace);
                writer.VarUInt(keyspace.Shard);
                writer.VarInt(keyspace.QuotaBytes);
                writer.VarInt(keyspace.Revision);
                break;
            case Member member:
                writer.U8((byte)Kind.Member);
                writer.U64(member.Id);
                writer.VarInt(member.Revision);
                break;
            case Refused refused:
                writer.U8((byte)Kind.Refused);
                writer.U8((byte)refused.Refusal);
                writer.VarInt(refused.Revision);
                break;
            default:
                throw Invariant.Unreachable(reply);
        }
    }

    private static void WriteRecords(ByteWriter writer, ImmutableArray<KeyValueRecord> records)
    {
        foreach (KeyValueRecord record in records) { WriteRecord(writer, record); }
        WriteNoMoreRecords(writer);
    }

    private static void WriteRecord(ByteWriter writer, in KeyValueRecord record) => WriteRecord(
        writer,
        record.Key.Span,
        record.Value.Span,
        record.CreateRevision,
        record.ModRevision,
        record.Version,
        record.Lease);

    private static KvReply? Read(ref ByteReader reader, ReadOnlyMemory<byte> bytes, int depth)
    {
        switch ((Kind)reader.U8())
        {
            case Kind.Put:
                KeyValueRecord? previous = TryReadRecord(ref reader, bytes, out KeyValueRecord record) ? record : null;
                if (previous is not null && reader.U8() != 0) { return null; }
                return new Put(reader.VarInt(), previous);
            case Kind.DeleteRange:
                ImmutableArray<KeyValueRecord> deleted = ReadRecords(ref reader, bytes);
                long count = reader.VarInt();
                return new DeleteRange(reader.VarInt(), count, deleted);
            case Kind.Range:
                return new Range(new RangeResult(
                    ReadRecords(ref reader, bytes),
                    More: reader.Bool(),
                    Count: reader.VarInt(),
                    Revision: reader.VarInt(),
                    KvRefusal.None));
            case Kind.Txn:
                return depth <= KvCommand.MaxTxnDepth ? ReadTxn(ref reader, bytes, depth) : null;
            case Kind.Compact:
                return new Compact(reader.VarInt());
            case Kind.Refused:
                var refusal = (KvRefusal)reader.U8();
                return refusal == KvRefusal.None ? null : new Refused(reader.VarInt(), refusal);
            case Kind.LeaseGrant:
                long id = reader.VarInt();
                long granted = reader.VarInt();
                return new LeaseGrant(reader.VarInt(), id, granted);
            case Kind.LeaseRevoke:
                return new LeaseRevoke(reader.VarInt());
            case Kind.LeaseRenew:
                long renewed = reader.VarInt();
                return new LeaseRenew(reader.VarInt(), renewed);
            case Kind.AuthDone:
                return new AuthDone(reader.VarInt());
            case Kind.Alarm:
                ImmutableArray<KvAlarm> alarms = ReadAlarms(ref reader);
                return new Alarm(reader.VarInt(), alarms);
            case Kind.CheckNoted:
                return new CheckNoted(reader.VarInt());
            case Kind.Keyspace:
                ulong shard = reader.VarUInt();
                long quota = reader.VarInt();
                return new Keyspace(reader.VarInt(), shard, quota);
            case Kind.Member:
                ulong member = reader.U64();
                return new Member(reader.VarInt(), member);
            default:
                return null;
        }
    }

    private static ImmutableArray<KvAlarm> ReadAlarms(ref ByteReader reader)
    {
        var alarms = new KvAlarm[reader.Count(reader.Remaining / LeastAlarmBytes)];
        for (int i = 0; i < alarms.Length; i++) { alarms[i] = new KvAlarm(reader.U64(), (KvAlarmType)reader.VarInt()); }
        return ImmutableCollectionsMarshal.AsImmutableArray(alarms);
    }

    private static Txn? ReadTxn(ref ByteReader reader, ReadOnlyMemory<byte> bytes, int depth)
    {
        bool succeeded = reader.Bool();
        int count = reader.Count(reader.Remaining / LeastReplyBytes);
        ImmutableArray<KvReply>.Builder responses = ImmutableArray.CreateBuilder<KvReply>(count);
        for (int i = 0; i < count; i++)
        {
            if (Read(ref reader, bytes, depth + 1) is not { } response || reader.Failed) { return null; }
            responses.Add(response);
        }

        return new Txn(reader.VarInt(), succeeded, responses.MoveToImmutable());
    }

    private static ImmutableArray<KeyValueRecord> ReadRecords(ref ByteReader reader, ReadOnlyMemory<byte> bytes)
    {
        if (!TryReadRecord(ref reader, bytes, out KeyValueRecord record)) { return []; }
        ImmutableArray<KeyValueRecord>.Builder records = ImmutableArray.CreateBuilder<KeyValueRecord>();
        do { records.Add(record); }
        while (TryReadRecord(ref reader, bytes, out record));
        return records.DrainToImmutable();
    }

    private static bool TryReadRecord(ref ByteReader reader, ReadOnlyMemory<byte> bytes, out KeyValueRecord record)
    {
        record = default;
        if (!reader.Bool()) { return false; }
        ReadOnlyMemory<byte> key = Bytes(ref reader, bytes);
        long createRevision = reader.VarInt();
        long modRevision = reader.VarInt();
        long version = reader.VarInt();
        long lease = reader.VarInt();
        record = new KeyValueRecord(key, Bytes(ref reader, bytes), createRevision, modRevision, version, lease);
        return !reader.Failed;
    }

    private static ReadOnlyMemory<byte> Bytes(ref ByteReader reader, ReadOnlyMemory<byte> bytes)
    {
        int length = reader.Bytes().Length;
        return bytes.Slice(reader.Offset - length, length);
    }
}
