using System.Text;

namespace Quorate.FrontDoors.Http2;

/// <summary>The headers that anything here looks at.</summary>
internal enum HeaderName : byte
{
    Other,
    Method,
    Path,
    PseudoHeader,
    ContentType,
    GrpcEncoding,
    GrpcTimeout,
    HasLeader,
    Token,
    Authorization,
    Keyspace,
}

/// <summary>A header as the tables of HPACK keep it. Its text is made once, however many requests refer to it.</summary>
internal sealed class HpackField(byte[] name, byte[] value)
{
    // RFC 7541, 4.1.
    private const int OverheadBytes = 32;

    private string? _text;

    /// <summary>Its name as it came.</summary>
    public byte[] NameBytes { get; } = name;

    /// <summary>Its name if it is known.</summary>
    public HeaderName Name { get; } = NameOf(name);

    /// <summary>What it costs in a table.</summary>
    public int Size => NameBytes.Length + value.Length + OverheadBytes;

    /// <summary>Its value; a byte that is no ASCII is a question mark.</summary>
    public string Text => _text ??= Encoding.ASCII.GetString(value);

    /// <summary>A header's name, if it is one of the known.</summary>
    public static HeaderName NameOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        0 => HeaderName.Other,
        _ when name[0] == (byte)':' => name.SequenceEqual(":method"u8) ? HeaderName.Method
            : name.SequenceEqual(":path"u8) ? HeaderName.Path
            : HeaderName.PseudoHeader,
        5 when name.SequenceEqual("token"u8) => HeaderName.Token,
        9 when name.SequenceEqual("hasleader"u8) => HeaderName.HasLeader,
        12 when name.SequenceEqual("content-type"u8) => HeaderName.ContentType,
        12 when name.SequenceEqual("grpc-timeout"u8) => HeaderName.GrpcTimeout,
        13 when name.SequenceEqual("grpc-encoding"u8) => HeaderName.GrpcEncoding,
        13 when name.SequenceEqual("authorization"u8) => HeaderName.Authorization,
        16 when name.SequenceEqual("quorate-keyspace"u8) => HeaderName.Keyspace,
        _ => HeaderName.Other,
    };
}
