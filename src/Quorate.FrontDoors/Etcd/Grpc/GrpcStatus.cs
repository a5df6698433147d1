using System.Buffers;
using System.Text;

namespace Quorate.FrontDoors.Etcd;

/// <summary>The outcomes a gRPC call can have. Names and numbers are the protocol's (grpc.io, "Status codes").</summary>
public enum GrpcStatus
{
    /// <summary>Done.</summary>
    OK = 0,

    /// <summary>The caller gave up.</summary>
    Canceled = 1,

    /// <summary>Nobody knows better.</summary>
    Unknown = 2,

    /// <summary>The request is wrong whatever the state of the server.</summary>
    InvalidArgument = 3,

    /// <summary>Time ran out. What was asked for may have happened.</summary>
    DeadlineExceeded = 4,

    /// <summary>There is no such thing.</summary>
    NotFound = 5,

    /// <summary>It is there already.</summary>
    AlreadyExists = 6,

    /// <summary>This caller may not.</summary>
    PermissionDenied = 7,

    /// <summary>Too much, too many or too large.</summary>
    ResourceExhausted = 8,

    /// <summary>Not in the state the server is in.</summary>
    FailedPrecondition = 9,

    /// <summary>A conflict; the caller may start over.</summary>
    Aborted = 10,

    /// <summary>Outside of what is valid at the moment.</summary>
    OutOfRange = 11,

    /// <summary>This server does not do that.</summary>
    Unimplemented = 12,

    /// <summary>The server is broken.</summary>
    Internal = 13,

    /// <summary>Not now. For a write this means: it may or may not have happened.</summary>
    Unavailable = 14,

    /// <summary>Data was lost or damaged.</summary>
    DataLoss = 15,

    /// <summary>Nobody knows who the caller is.</summary>
    Unauthenticated = 16,
}

/// <summary>The text of the <c>grpc-message</c> header: UTF-8 with everything but printable ASCII, and '%', as %XX.</summary>
internal static class GrpcMessageText
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        " !\"#$&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Plain)) { return text; }
        var encoded = new StringBuilder(text.Length + 16);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (b < 0x80 && Plain.Contains((char)b)) { encoded.Append((char)b); }
            else { encoded.Append('%').Append(b.ToString("X2", null)); }
        }

        return encoded.ToString();
    }

    /// <summary>A '%' that no two hex digits follow stays as it is.</summary>
    public static string Decode(string text)
    {
        if (!text.Contains('%')) { return text; }
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == (byte)'%' && i + 2 < bytes.Length
                && char.IsAsciiHexDigit((char)bytes[i + 1]) && char.IsAsciiHexDigit((char)bytes[i + 2]))
            {
                bytes[length++] = Convert.FromHexString([(char)bytes[i + 1], (char)bytes[i + 2]])[0];
                i += 2;
            }
            else
            {
                bytes[length++] = bytes[i];
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
