using System.Collections.Immutable;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>
/// A transaction: if all comparisons hold, one list of operations runs, else another; all of it at one revision, or none. Never changed:
/// each method gives a new one. At most 128 comparisons and 128 operations per list, by etcd's default.
/// </summary>
/// <example><c>Txn.If(Compare.Missing("a")).Then(Op.Put("a", "1")).Else(Op.Get("a"))</c></example>
public sealed class Txn
{
    private readonly ImmutableArray<Compare> _compares;
    private readonly ImmutableArray<Op> _then;
    private readonly ImmutableArray<Op> _else;

    private Txn(ImmutableArray<Compare> compares, ImmutableArray<Op> then, ImmutableArray<Op> otherwise) =>
        (_compares, _then, _else) = (compares, then, otherwise);

    internal bool IsReadOnly => _then.Concat(_else).All(static op => op.IsRead);

    /// <summary>Begins one that compares.</summary>
    public static Txn If(params ReadOnlySpan<Compare> compares) => new([.. compares], [], []);

    /// <summary>One that compares nothing.</summary>
    public static Txn Do(params ReadOnlySpan<Op> operations) => new([], [.. operations], []);

    /// <summary>Also compares these.</summary>
    public Txn And(params ReadOnlySpan<Compare> compares) => new([.. _compares, .. compares], _then, _else);

    /// <summary>Does these too if all comparisons hold.</summary>
    public Txn Then(params ReadOnlySpan<Op> operations) => new(_compares, [.. _then, .. operations], _else);

    /// <summary>Does these too if one does not.</summary>
    public Txn Else(params ReadOnlySpan<Op> operations) => new(_compares, _then, [.. _else, .. operations]);

    internal Proto.TxnRequest ToMessage() => new()
    {
        Compare = { _compares.Select(static compare => compare.Message) },
        Success = { _then.Select(static op => op.Message) },
        Failure = { _else.Select(static op => op.Message) },
    };
}
