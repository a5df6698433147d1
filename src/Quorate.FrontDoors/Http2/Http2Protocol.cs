namespace Quorate.FrontDoors.Http2;

/// <summary>Kinds of frames (RFC 9113, 6).</summary>
internal enum FrameKind : byte
{
    Data = 0,
    Headers = 1,
    Priority = 2,
    RstStream = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// <summary>Reasons to end a stream or a connection (RFC 9113, 7).</summary>
internal enum Http2Error
{
    None = 0,
    Protocol = 1,
    Internal = 2,
    FlowControl = 3,
    StreamClosed = 5,
    FrameSize = 6,
    RefusedStream = 7,
    Cancel = 8,
    Compression = 9,
    EnhanceYourCalm = 11,
    Http11Required = 13,
}

/// <summary>The client broke the protocol; the connection ends.</summary>
internal sealed class Http2Exception(Http2Error error, string message) : Exception(message)
{
    /// <summary>What it is told.</summary>
    public Http2Error Error { get; } = error;
}

/// <summary>Numbers of RFC 9113.</summary>
internal static class Http2
{
    public const int HeaderBytes = 9;

    public const int DefaultWindow = 65_535;

    /// <summary>What a frame's payload has at most, unless the receiver allows more. We never do.</summary>
    public const int MaxFrameBytes = 16_384;

    public const byte EndStream = 0x1;
    public const byte Ack = 0x1;
    public const byte EndHeaders = 0x4;
    public const byte Padded = 0x8;
    public const byte WithPriority = 0x20;

    public const ushort SettingEnablePush = 2;
    public const ushort SettingMaxConcurrentStreams = 3;
    public const ushort SettingInitialWindowSize = 4;
    public const ushort SettingMaxFrameSize = 5;
    public const ushort SettingMaxHeaderListSize = 6;

    /// <summary>What a client's connection starts with (3.4).</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Writes a frame's header.</summary>
    public static void WriteHeader(Span<byte> to, int length, FrameKind kind, byte flags, int stream)
    {
        to[0] = (byte)(length >> 16);
        to[1] = (byte)(length >> 8);
        to[2] = (byte)length;
        to[3] = (byte)kind;
        to[4] = flags;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(to[5..], stream);
    }
}
