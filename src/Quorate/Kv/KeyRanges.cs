using Google.Protobuf;

namespace Quorate.Kv;

/// <summary>etcd's way to name many keys: [key, end).</summary>
internal static class KeyRanges
{
    private static readonly ByteString Zero = ByteString.CopyFrom(0);

    /// <summary>All keys that start with a prefix; all keys at all if it is empty.</summary>
    public static (ByteString Key, ByteString End) Prefix(ByteString prefix)
    {
        if (prefix.IsEmpty) { return (Zero, Zero); }
        byte[] end = prefix.ToByteArray();
        int length = end.Length;
        while (length > 0 && end[length - 1] == 0xFF) { length--; }
        if (length == 0) { return (prefix, Zero); } // Nothing sorts behind a prefix of 0xFF bytes: up to the end of all keys.
        end[length - 1]++;
        return (prefix, ByteString.CopyFrom(end, 0, length));
    }

    /// <summary>All keys from one on.</summary>
    public static (ByteString Key, ByteString End) From(ByteString key) => (key.IsEmpty ? Zero : key, Zero);
}
