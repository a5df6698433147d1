using Quorate.Core;

namespace Quorate.Replication;

/// <summary>A command waiting to become part of an entry.</summary>
/// <param name="Session">The run of the node that took it from its client.</param>
/// <param name="Sequence">Its number within the session.</param>
/// <param name="FirstIndex">What that node had applied when it first sent the command: no earlier entry can hold it.</param>
/// <param name="Command">The bytes for the state machine.</param>
internal readonly record struct QueuedCommand(ulong Session, ulong Sequence, LogIndex FirstIndex, ReadOnlyMemory<byte> Command);

/// <summary>
/// The payload of an <see cref="EntryKind.Command"/> entry: version u8 (2) | stamp u64 | elapsed varint | due varint | count
/// varint | commands. A command: session u64 | sequence varint | first index varint | length varint | bytes. Little-endian.
/// Version 1 had neither elapsed nor due; both are 0 then.
/// </summary>
/// <remarks>
/// Elapsed: milliseconds since the leader's entry before, or since it began to lead. Due: if not 0, the machine is to do what was
/// due at this time of the shard's clock, after the commands.
/// </remarks>
internal static class EntryPayload
{
    private const byte Version = 2;
    private const byte VersionWithoutClock = 1;

    /// <summary>Bytes that a command adds at most, besides its own.</summary>
    public const int CommandOverhead = 8 + 10 + 10 + 5;

    public static void Begin(ByteWriter writer, HybridTime stamp, long elapsed, long due, int count)
    {
        writer.U8(Version);
        writer.U64(stamp.Value);
        writer.VarUInt((ulong)elapsed);
        writer.VarUInt((ulong)due);
        writer.VarUInt((ulong)count);
    }

    public static void Add(ByteWriter writer, in QueuedCommand command)
    {
        writer.U64(command.Session);
        writer.VarUInt(command.Sequence);
        writer.VarUInt(command.FirstIndex.Value);
        writer.Bytes(command.Command.Span);
    }

    /// <summary>The stamp alone.</summary>
    public static HybridTime StampOf(ReadOnlySpan<byte> payload)
    {
        var reader = new ByteReader(payload);
        byte version = reader.U8();
        ulong stamp = reader.U64();
        Invariant.Holds(
            !reader.Failed && version is Version or VersionWithoutClock, $"entry of {payload.Length} bytes, version {version}");
        return new(stamp);
    }

    /// <summary>Reads a payload that this or another node of the cluster has built; anything else is a bug, or a newer format.</summary>
    public ref struct Reader
    {
        private ByteReader _reader;

        public Reader(ReadOnlySpan<byte> payload)
        {
            _reader = new ByteReader(payload);
            byte version = _reader.U8();
            Stamp = new(_reader.U64());
            Elapsed = version == Version ? (long)_reader.VarUInt() : 0;
            Due = version == Version ? (long)_reader.VarUInt() : 0;
            Remaining = _reader.Count(payload.Length);
            Invariant.Holds(
                !_reader.Failed && version is Version or VersionWithoutClock, $"entry of {payload.Length} bytes, version {version}");
        }

        public HybridTime Stamp { get; }

        public long Elapsed { get; }

        public long Due { get; }

        public int Remaining { get; private set; }

        public bool TryNext(out ulong session, out ulong sequence, out LogIndex firstIndex, out ReadOnlySpan<byte> command)
        {
            session = 0;
            sequence = 0;
            firstIndex = default;
            command = default;
            if (Remaining == 0) { return false; }
            session = _reader.U64();
            sequence = _reader.VarUInt();
            firstIndex = new(_reader.VarUInt());
            command = _reader.Bytes();
            Invariant.Holds(!_reader.Failed, $"command {Remaining} from the end is cut short");
            Remaining--;
            return true;
        }
    }
}
