using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;

namespace Quorate.Client;

/// <summary>One key, or all keys between two. A text or a <see cref="Blob"/> stands for the one key.</summary>
[SuppressMessage("Usage", "CA2225", Justification = "Of is the named form.")]
public readonly record struct KeyRange
{
    private static readonly Blob Zero = new byte[1];

    private KeyRange(Blob start, Blob end) => (Start, End) = (start, end);

    /// <summary>Every key there is.</summary>
    public static KeyRange All { get; } = new(Zero, Zero);

    /// <summary>The first key.</summary>
    public Blob Start { get; }

    /// <summary>As etcd writes it: empty for the one key; a single zero byte for no end; else the first key that is not in it.</summary>
    public Blob End { get; }

    /// <summary>It is one key.</summary>
    public bool IsSingle => End.Length == 0;

    private bool HasNoEnd => End == Zero;

    /// <summary>One key.</summary>
    public static KeyRange Of(Blob key) => new(key, default);

    /// <summary>All keys that begin so; an empty prefix is <see cref="All"/>.</summary>
    public static KeyRange Prefix(Blob prefix)
    {
        ReadOnlySpan<byte> bytes = prefix.Memory.Span;
        int length = bytes.TrimEnd((byte)0xff).Length;
        if (length == 0) { return new(prefix.Length == 0 ? Zero : prefix, Zero); }
        byte[] end = bytes[..length].ToArray();
        end[^1]++;
        return new(prefix, Blob.FromMemory(end));
    }

    /// <summary>That key and all behind it.</summary>
    public static KeyRange From(Blob key) => new(key.Length == 0 ? Zero : key, Zero);

    /// <summary>From one key on, up to but without another.</summary>
    /// <exception cref="ArgumentException"><paramref name="end"/> is not behind <paramref name="start"/>.</exception>
    public static KeyRange Between(Blob start, Blob end)
    {
        if (start.CompareTo(end) >= 0) { throw new ArgumentException($"the range ends at '{end}', which is not behind its start '{start}'", nameof(end)); }
        return new(start, end);
    }

    /// <summary>The one key.</summary>
    public static implicit operator KeyRange(string key) => Of(key);

    /// <summary>The one key.</summary>
    public static implicit operator KeyRange(Blob key) => Of(key);

    /// <summary>Whether a key lies in it.</summary>
    public bool Contains(Blob key) =>
        IsSingle ? key == Start : key.CompareTo(Start) >= 0 && (HasNoEnd || key.CompareTo(End) < 0);

    /// <summary>The part behind one of its keys.</summary>
    internal KeyRange Behind(Blob key) => new(new Blob(ByteString.CopyFrom([.. key.Memory.Span, 0])), End);
}
