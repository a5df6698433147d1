namespace Quorate.StateMachines.KeyValue;

/// <summary>What a permission allows; etcd's numbers.</summary>
public enum KvPermissionType
{
    /// <summary>To read and to watch.</summary>
    Read = 0,

    /// <summary>To put and to delete.</summary>
    Write = 1,

    /// <summary>Both.</summary>
    ReadWrite = 2,
}

/// <summary>What a role may do with some keys.</summary>
/// <remarks>Equality is that of the memory referred to, not of its bytes.</remarks>
/// <param name="Type">A number beyond etcd's is kept and allows nothing.</param>
/// <param name="Key">The first key.</param>
/// <param name="RangeEnd">As <see cref="RangeQuery.RangeEnd"/>: empty for the one key, "\0" for all keys from it on.</param>
public readonly record struct KvPermission(KvPermissionType Type, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd)
{
    /// <summary>What etcd shows of the role <c>root</c>, whatever it was granted.</summary>
    public static KvPermission OfRoot { get; } = new(KvPermissionType.ReadWrite, ReadOnlyMemory<byte>.Empty, new byte[] { 0 });

    /// <summary>True if the keys can be named in a permission: there is a first one, and the end is behind it.</summary>
    public bool IsValid => !Key.IsEmpty
        && (RangeEnd.IsEmpty || RangeEnd.Span is [0] || Key.Span.SequenceCompareTo(RangeEnd.Span) < 0);

    internal bool Allows(KvPermissionType wanted) => Type == wanted || Type == KvPermissionType.ReadWrite;

    internal bool HasKeysOf(in KvPermission other) =>
        Key.Span.SequenceEqual(other.Key.Span) && RangeEnd.Span.SequenceEqual(other.RangeEnd.Span);
}
