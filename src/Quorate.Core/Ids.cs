namespace Quorate.Core;

/// <summary>One process that belongs to a cluster. Never reused: a node whose disk is gone returns under a new id.</summary>
/// <param name="Value">Any value but 0, which means "no node".</param>
public readonly record struct NodeId(ulong Value) : IComparable<NodeId>
{
    /// <summary>No node.</summary>
    public static readonly NodeId None;

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => $"node {Value:x}";
}

/// <summary>Identity of a cluster, the same on all its nodes; peers of another cluster are refused.</summary>
/// <param name="Value">Any value but 0.</param>
public readonly record struct ClusterId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"cluster {Value:x}";
}

/// <summary>One Raft group and the keys it holds.</summary>
/// <param name="Value">Any value but 0.</param>
public readonly record struct ShardId(ulong Value) : IComparable<ShardId>
{
    /// <inheritdoc/>
    public int CompareTo(ShardId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => $"shard {Value}";
}

/// <summary>A shard's copy on a node. Never reused within a shard, so that an old vote can never count for a new copy.</summary>
/// <param name="Value">Any value but 0, which means "nobody".</param>
public readonly record struct ReplicaId(ulong Value) : IComparable<ReplicaId>
{
    /// <summary>Nobody: no vote was given, no leader is known.</summary>
    public static readonly ReplicaId None;

    /// <summary>True for <see cref="None"/>.</summary>
    public bool IsNone => Value == 0;

    /// <inheritdoc/>
    public int CompareTo(ReplicaId other) => Value.CompareTo(other.Value);

    /// <summary>Orders by value.</summary>
    public static bool operator <(ReplicaId left, ReplicaId right) => left.Value < right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >(ReplicaId left, ReplicaId right) => left.Value > right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator <=(ReplicaId left, ReplicaId right) => left.Value <= right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >=(ReplicaId left, ReplicaId right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "none" : $"{Value:x}";
}

/// <summary>Raft's logical clock (Raft paper, 5.1). 0 is before the first election.</summary>
/// <param name="Value">Rises by at least one with each election.</param>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>Before the first election.</summary>
    public static readonly Term Zero;

    /// <summary>The term after this one.</summary>
    public Term Next => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>Orders by value.</summary>
    public static bool operator <(Term left, Term right) => left.Value < right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >(Term left, Term right) => left.Value > right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator <=(Term left, Term right) => left.Value <= right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >=(Term left, Term right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => $"{Value}";
}

/// <summary>Position in a shard's log. The first entry has 1; 0 is the empty log.</summary>
/// <param name="Value">Entries are numbered without gaps.</param>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>Before the first entry.</summary>
    public static readonly LogIndex Zero;

    /// <summary>The index after this one.</summary>
    public LogIndex Next => new(checked(Value + 1));

    /// <summary>The index before this one. Never call it on <see cref="Zero"/>.</summary>
    public LogIndex Previous => new(checked(Value - 1));

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>The smaller of two indexes.</summary>
    public static LogIndex Min(LogIndex left, LogIndex right) => left.Value < right.Value ? left : right;

    /// <summary>The larger of two indexes.</summary>
    public static LogIndex Max(LogIndex left, LogIndex right) => left.Value > right.Value ? left : right;

    /// <summary>Moves forward by a count of entries.</summary>
    public static LogIndex operator +(LogIndex index, int count) => new(checked(index.Value + (ulong)count));

    /// <summary>Entries between two indexes; the left one must not be smaller.</summary>
    public static long operator -(LogIndex left, LogIndex right) => checked((long)(left.Value - right.Value));

    /// <summary>Orders by value.</summary>
    public static bool operator <(LogIndex left, LogIndex right) => left.Value < right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >(LogIndex left, LogIndex right) => left.Value > right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator <=(LogIndex left, LogIndex right) => left.Value <= right.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >=(LogIndex left, LogIndex right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => $"{Value}";
}
