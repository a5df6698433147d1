namespace Quorate.StateMachines.KeyValue;

/// <summary>One condition of a transaction: every key of the range must satisfy it.</summary>
/// <remarks>
/// With no key in the range, a comparison of values fails, whatever is asked; the others compare with 0. Numbers outside of
/// the two enumerations are carried as they are: an unknown target compares as equal, an unknown result always holds (etcd).
/// </remarks>
public readonly record struct KvCompare
{
    /// <summary>What is compared.</summary>
    public KvCompareTarget Target { get; init; }

    /// <summary>How it must compare with <see cref="Number"/> or <see cref="Value"/>.</summary>
    public KvCompareResult Result { get; init; }

    /// <summary>The key, at least 1 byte.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>As <see cref="RangeQuery.RangeEnd"/>.</summary>
    public ReadOnlyMemory<byte> RangeEnd { get; init; }

    /// <summary>The operand, unless values are compared.</summary>
    public long Number { get; init; }

    /// <summary>The operand if values are compared.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }
}

/// <summary>What a condition compares; etcd's numbers.</summary>
public enum KvCompareTarget
{
    /// <summary>Puts since creation.</summary>
    Version = 0,

    /// <summary>The revision of creation.</summary>
    Create = 1,

    /// <summary>The revision of the last put.</summary>
    Mod = 2,

    /// <summary>The value's bytes.</summary>
    Value = 3,

    /// <summary>The lease.</summary>
    Lease = 4,
}

/// <summary>How a condition's target must compare with its operand; etcd's numbers.</summary>
public enum KvCompareResult
{
    /// <summary>Equal.</summary>
    Equal = 0,

    /// <summary>Greater.</summary>
    Greater = 1,

    /// <summary>Less.</summary>
    Less = 2,

    /// <summary>Different.</summary>
    NotEqual = 3,
}
