using System.Collections.Immutable;
using System.Text;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

/// <summary>What etcd refuses at its door (etcd-io/etcd, server/etcdserver/api/v3rpc/key.go).</summary>
public class KeyValueRequestChecksTests
{
    private static readonly KvCompare EmptyCompare = Compare(KvCompareTarget.Version, "", KvCompareResult.Equal, 0);

    public static TheoryData<KvCommand, KvRefusal> Requests => new()
    {
        { Put("a"), KvRefusal.None },
        { Put(""), KvRefusal.EmptyKey },
        { Put("", "v") with { IgnoreValue = true }, KvRefusal.EmptyKey },
        { Put("a", "v") with { IgnoreValue = true, IgnoreLease = true, Lease = 1 }, KvRefusal.ValueProvided },
        { Put("a") with { IgnoreLease = true, Lease = 1 }, KvRefusal.LeaseProvided },
        { Delete(""), KvRefusal.EmptyKey },
        { Delete("b", "a"), KvRefusal.None },
        { Get(""), KvRefusal.EmptyKey },
        { new KvCommand.Compact(-3, false), KvRefusal.None },
        { new KvCommand.NoRequest(), KvRefusal.KeyNotFound },
        { All(new KvCommand.NoRequest()), KvRefusal.KeyNotFound },
        { If([EmptyCompare], [], []), KvRefusal.EmptyKey },
        { If([], [], [All(If([EmptyCompare], [], []))]), KvRefusal.EmptyKey },
        { All(Get("a"), Get("")), KvRefusal.EmptyKey },
        { All(Put("a"), Put("a")), KvRefusal.DuplicateKey },
        { If([], [Put("a")], [Put("a")]), KvRefusal.None },
        { If([], [], [Put("a"), Put("a")]), KvRefusal.DuplicateKey },
        { All(Put("a"), Delete("a")), KvRefusal.DuplicateKey },
        { All(Delete("a"), Put("a")), KvRefusal.DuplicateKey },
        { All(Delete("a", "c"), Put("b")), KvRefusal.DuplicateKey },
        { All(Delete("a", "c"), Put("c")), KvRefusal.None },
        { All(Delete("a", "c"), Delete("b"), Delete("b", "d")), KvRefusal.None },
        { All(Delete("c", "a"), Put("b")), KvRefusal.None },
        { All(Put("a"), Put("b"), Get("a"), Get("a")), KvRefusal.None },

        // An inner transaction counts with its parent; its own two lists do not disturb each other.
        { All(Put("a"), All(Put("a"))), KvRefusal.DuplicateKey },
        { All(If([], [Put("a")], [Put("a")])), KvRefusal.None },
        { All(If([], [Put("a")], [Delete("a")])), KvRefusal.None },
        { All(Put("a"), If([], [], [Put("a")])), KvRefusal.DuplicateKey },
        { All(All(Put("a")), All(Put("a"))), KvRefusal.DuplicateKey },
        { All(Delete("a", "c"), All(All(Put("b")))), KvRefusal.DuplicateKey },
        { All(All(Delete("a", "c")), Put("b")), KvRefusal.DuplicateKey },
        { All(All(Delete("a")), All(Put("a"))), KvRefusal.DuplicateKey },

        // What etcd lets through although it writes a key twice.
        { All(All(Put("a")), All(Delete("a"))), KvRefusal.None },
        { All(Delete("a", "\0"), Put("b")), KvRefusal.None },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void Requests_are_refused_as_etcd_does(KvCommand command, KvRefusal expected) =>
        Assert.Equal(expected, RequestChecks.Check(command));

    [Fact]
    public void Each_list_has_its_limit_and_inner_lists_share_what_is_left()
    {
        KvCommand.Op[] gets = [.. Enumerable.Repeat(Get("a"), 128)];
        Assert.Equal(KvRefusal.None, RequestChecks.Check(All(gets)));
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(All([.. gets, Get("a")])));
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(If([], [], [.. gets, Get("a")])));
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(If(Enumerable.Repeat(EmptyCompare, 129), [], [])));
        Assert.Equal(KvRefusal.None, RequestChecks.Check(All(All(gets[..127]))));
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(All(All(gets))));
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(All(Get("b"), All(gets[..127]))));
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(All(Get("b"), Get("b")), maxTxnOps: 1));
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(If([EmptyCompare, EmptyCompare], [], []), maxTxnOps: 1));
    }

    // Property: the merged sets find a duplicate exactly when the rule, written down as it is told, does.
    [Fact]
    public void Duplicates_are_found_as_the_plain_rule_finds_them()
    {
        var gen = new KeyValueGen(new Prng(3));
        int duplicates = 0;
        for (int i = 0; i < 3000; i++)
        {
            KvCommand.Txn txn = gen.Txn(depth: 1);
            KvRefusal expected = PlainRule(txn.Success) is null || PlainRule(txn.Failure) is null ? KvRefusal.DuplicateKey : KvRefusal.None;
            KvRefusal actual = RequestChecks.Check(txn);
            if (actual is KvRefusal.None or KvRefusal.DuplicateKey) { Assert.Equal(expected, actual); }
            if (expected == KvRefusal.DuplicateKey) { duplicates++; }
        }

        Assert.InRange(duplicates, 300, 2700);
    }

    [Fact]
    public void A_huge_transaction_is_checked_in_reasonable_time()
    {
        // 54 levels are left of 128 operations: three of 18 twice, below a chain of transactions with a put each.
        int next = 0;
        KvCommand.Txn Wide(int depth) => If(
            [],
            Enumerable.Range(0, 18).Select(_ => depth == 3 ? (KvCommand.Op)Delete($"d{next++}", "e") : Wide(depth + 1)),
            Enumerable.Range(0, 18).Select(_ => depth == 3 ? (KvCommand.Op)Put($"p{next++}") : Wide(depth + 1)));
        KvCommand.Txn txn = Wide(1);
        for (int i = 0; i < 37; i++) { txn = All(Put($"x{i}"), txn); }
        Assert.Equal(KvRefusal.None, RequestChecks.Check(txn));
        Assert.Equal(2 * 4 * 18 * 18 * 18, next);
    }

    private static (HashSet<string> Puts, List<(string From, string End)> Deletes)? PlainRule(ImmutableArray<KvCommand.Op> operations)
    {
        var puts = new HashSet<string>();
        var deletes = new List<(string From, string End)>();
        bool Inside(string key) => deletes.Exists(d => d.End.Length == 0
            ? d.From == key
            : string.CompareOrdinal(key, d.From) >= 0 && string.CompareOrdinal(key, d.End) < 0);

        foreach (KvCommand.DeleteRange delete in operations.OfType<KvCommand.DeleteRange>())
        {
            deletes.Add((Latin1(delete.Key), Latin1(delete.RangeEnd)));
        }

        foreach (KvCommand.Txn inner in operations.OfType<KvCommand.Txn>())
        {
            if (PlainRule(inner.Success) is not { } success || PlainRule(inner.Failure) is not { } failure) { return null; }
            string[] either = [.. success.Puts.Union(failure.Puts)];
            if (either.Any(key => puts.Contains(key) || Inside(key))) { return null; }
            puts.UnionWith(either);
            deletes.AddRange([.. success.Deletes, .. failure.Deletes]);
        }

        foreach (KvCommand.Put put in operations.OfType<KvCommand.Put>())
        {
            if (Inside(Latin1(put.Key)) || !puts.Add(Latin1(put.Key))) { return null; }
        }

        return (puts, deletes);
    }

    private static string Latin1(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);
}
