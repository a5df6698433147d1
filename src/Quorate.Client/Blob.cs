using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;

namespace Quorate.Client;

/// <summary>A key or a value: any bytes, never changed. Text becomes one as UTF-8, and <see cref="ToString"/> reads it as such.</summary>
[SuppressMessage("Usage", "CA2225", Justification = "FromMemory, Memory and ToString are the named forms.")]
public readonly struct Blob : IEquatable<Blob>, IComparable<Blob>
{
    private readonly ByteString? _bytes;

    internal Blob(ByteString bytes) => _bytes = bytes;

    /// <summary>The bytes; not copied.</summary>
    public ReadOnlyMemory<byte> Memory => Bytes.Memory;

    /// <summary>How many bytes.</summary>
    public int Length => Bytes.Length;

    internal ByteString Bytes => _bytes ?? ByteString.Empty;

    /// <summary>Wraps bytes without copying: leave them unchanged from now on.</summary>
    public static Blob FromMemory(ReadOnlyMemory<byte> bytes) => new(UnsafeByteOperations.UnsafeWrap(bytes));

    /// <summary>The text as UTF-8.</summary>
    public static implicit operator Blob(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(ByteString.CopyFromUtf8(text));
    }

    /// <summary>A copy of the bytes.</summary>
    public static implicit operator Blob(byte[] bytes) => new(ByteString.CopyFrom(bytes));

    /// <summary>Same bytes.</summary>
    public static bool operator ==(Blob left, Blob right) => left.Equals(right);

    /// <summary>Other bytes.</summary>
    public static bool operator !=(Blob left, Blob right) => !left.Equals(right);

    /// <summary>The bytes as UTF-8; what is not valid becomes U+FFFD.</summary>
    public override string ToString() => Bytes.ToStringUtf8();

    /// <inheritdoc/>
    public bool Equals(Blob other) => Bytes.Equals(other.Bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Blob other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Bytes.GetHashCode();

    /// <summary>The store's order: byte by byte, unsigned.</summary>
    public int CompareTo(Blob other) => Bytes.Span.SequenceCompareTo(other.Bytes.Span);

    internal bool StartsWith(Blob prefix) => Bytes.Span.StartsWith(prefix.Bytes.Span);
}
