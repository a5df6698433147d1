using System.Buffers.Binary;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Damage that TCP does not see: 16 bits of checksum let some of it pass on real wires.</summary>
internal static class TcpBits
{
    private const byte Tcp = 6;

    /// <summary>Turns one bit of the payload of a packet and makes the checksum fit. False if there is no payload.</summary>
    public static bool TryTurnOne(Span<byte> packet, Random random)
    {
        int ip = (packet[0] & 15) * 4;
        if (packet[9] != Tcp || packet.Length < ip + 20) { return false; }
        Span<byte> segment = packet[ip..];
        int header = (segment[12] >> 4) * 4;
        if (segment.Length <= header) { return false; }

        int at = random.Next(header, segment.Length);
        int word = at & ~1;
        if (word + 1 >= segment.Length) { return false; } // The padded last byte: another packet will do.
        ushort before = BinaryPrimitives.ReadUInt16BigEndian(segment[word..]);
        segment[at] ^= (byte)(1 << random.Next(8));
        ushort after = BinaryPrimitives.ReadUInt16BigEndian(segment[word..]);
        ushort checksum = BinaryPrimitives.ReadUInt16BigEndian(segment[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(segment[16..], Update(checksum, before, after));
        return true;
    }

    // RFC 1624, equation 3.
    private static ushort Update(ushort checksum, ushort before, ushort after)
    {
        int sum = (ushort)~checksum + (ushort)~before + after;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
