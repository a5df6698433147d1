using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

/// <summary>Rules of transactions (etcd-io/etcd, server/etcdserver/txn/txn.go).</summary>
public class KeyValueTxnTests
{
    private readonly KeyValueHarness _kv = new();

    [Fact]
    public void A_transaction_is_one_revision_and_its_operations_see_those_before_them()
    {
        Assert.Equal(
            "then@2[put@2; 1@2 a=1(2,2,1); put@2 was a=1(2,2,1); 1@2 a=2(2,2,2); deleted 1@2 was a=2(2,2,2); 0@2; put@2]",
            _kv.Do(All(
                Put("a", "1"), Get("a"), Put("a", "2", prevKv: true), Get("a"), Delete("a", prevKv: true), Get("a"), Put("b", "3"))));
        Assert.Equal("1@2 b=3(2,2,1)", _kv.Ask("\0", "\0"));
    }

    [Fact]
    public void A_key_deleted_and_put_in_one_transaction_starts_anew()
    {
        _kv.Do(Put("a", "1"));
        Assert.Equal("then@3[deleted 1@3; put@3]", _kv.Do(All(Delete("a"), Put("a", "2", prevKv: true))));
        Assert.Equal("1@3 a=2(3,3,1)", _kv.Ask("a"));
    }

    [Fact]
    public void Ranges_before_the_first_change_tell_the_old_revision() =>
        Assert.Equal("then@2[0@1; deleted 0@1; put@2; 0@2; deleted 0@2]", _kv.Do(All(Get("b"), Delete("b"), Put("a"), Get("b"), Delete("b"))));

    [Fact]
    public void A_transaction_without_a_change_makes_no_revision()
    {
        Assert.Equal("then@1[]", _kv.Do(All()));
        Assert.Equal("then@1[deleted 0@1; 0@1]", _kv.Do(All(Delete("a"), Get("a"))));
        Assert.Equal(1, KvQueries.CurrentRevision(_kv.Store));
    }

    [Fact]
    public void An_inner_transaction_has_revision_0_and_shares_the_outer_one()
    {
        Assert.Equal(
            "then@2[put@2; then@0[put@2; then@0[0@2]]; put@2]",
            _kv.Do(All(Put("a"), All(Put("b"), All(Get("x"))), Put("c"))));
        Assert.Equal("3@2 a=(2,2,1) b=(2,2,1) c=(2,2,1)", _kv.Ask("a", "z"));
    }

    [Fact]
    public void Inner_conditions_see_the_state_before_the_outermost_transaction()
    {
        KvCompare absent = Compare(KvCompareTarget.Version, "a", KvCompareResult.Equal, 0);
        Assert.Equal("then@2[put@2; then@0[1@2 a=1(2,2,1)]]", _kv.Do(All(Put("a", "1"), If([absent], [Get("a")], []))));
        Assert.Equal("then@3[deleted 1@3; else@0[0@3]]", _kv.Do(All(Delete("a"), If([absent], [], [Get("a")]))));
    }

    [Fact]
    public void All_conditions_must_hold()
    {
        _kv.Do(Put("a", "1"));
        KvCompare yes = CompareValue("a", KvCompareResult.Equal, "1");
        KvCompare no = CompareValue("a", KvCompareResult.Equal, "2");
        Assert.Equal("then@2[]", _kv.Do(If([yes, yes], [], [])));
        Assert.Equal("else@2[]", _kv.Do(If([yes, no], [], [])));
        Assert.Equal("else@2[]", _kv.Do(If([no, yes], [], [])));
    }

    // Key a: created at 2, last put at 3, version 2, value "m", no lease. Key b: created and put at 4, version 1, value "n".
    [Theory]
    [InlineData(KvCompareTarget.Version, "a", "", 2)]
    [InlineData(KvCompareTarget.Create, "a", "", 2)]
    [InlineData(KvCompareTarget.Mod, "a", "", 3)]
    [InlineData(KvCompareTarget.Lease, "a", "", 0)]
    [InlineData(KvCompareTarget.Version, "x", "", 0)]
    [InlineData(KvCompareTarget.Create, "x", "", 0)]
    [InlineData(KvCompareTarget.Mod, "x", "", 0)]
    [InlineData(KvCompareTarget.Lease, "x", "", 0)]
    [InlineData(KvCompareTarget.Mod, "x", "z", 0)]
    [InlineData(KvCompareTarget.Mod, "b", "a", 0)]
    [InlineData((KvCompareTarget)9, "a", "", 77)]
    public void Conditions_on_numbers(KvCompareTarget target, string key, string end, long actual)
    {
        PutAandB();
        foreach (long operand in new[] { actual - 1, actual, actual + 1 })
        {
            int order = target > KvCompareTarget.Lease ? 0 : actual.CompareTo(operand);
            Assert.Equal(order == 0, Holds(Compare(target, key, KvCompareResult.Equal, operand, end)));
            Assert.Equal(order != 0, Holds(Compare(target, key, KvCompareResult.NotEqual, operand, end)));
            Assert.Equal(order > 0, Holds(Compare(target, key, KvCompareResult.Greater, operand, end)));
            Assert.Equal(order < 0, Holds(Compare(target, key, KvCompareResult.Less, operand, end)));
            Assert.True(Holds(Compare(target, key, (KvCompareResult)9, operand, end)));
        }
    }

    [Theory]
    [InlineData("a", "", KvCompareResult.Equal, "m", true)]
    [InlineData("a", "", KvCompareResult.NotEqual, "m", false)]
    [InlineData("a", "", KvCompareResult.Less, "ma", true)]
    [InlineData("a", "", KvCompareResult.Greater, "l", true)]
    [InlineData("a", "", KvCompareResult.Greater, "m", false)]
    [InlineData("x", "", KvCompareResult.Equal, "", false)]
    [InlineData("x", "", KvCompareResult.NotEqual, "1", false)]
    [InlineData("x", "z", KvCompareResult.NotEqual, "1", false)]
    [InlineData("a", "c", KvCompareResult.Greater, "l", true)]
    [InlineData("a", "c", KvCompareResult.Equal, "m", false)]
    [InlineData("a", "c", KvCompareResult.NotEqual, "n", false)]
    [InlineData("a", "\0", KvCompareResult.Less, "o", true)]
    [InlineData("c", "a", KvCompareResult.NotEqual, "1", false)]
    public void Conditions_on_values(string key, string end, KvCompareResult result, string operand, bool expected)
    {
        PutAandB();
        Assert.Equal(expected, Holds(CompareValue(key, result, operand, end)));
    }

    [Fact]
    public void Every_key_of_a_range_must_satisfy_a_condition()
    {
        PutAandB();
        Assert.True(Holds(Compare(KvCompareTarget.Version, "a", KvCompareResult.Greater, 0, "c")));
        Assert.False(Holds(Compare(KvCompareTarget.Version, "a", KvCompareResult.Greater, 1, "c")));
        Assert.True(Holds(Compare(KvCompareTarget.Mod, "a", KvCompareResult.Less, 5, "\0")));
    }

    [Theory]
    [InlineData(3, KvRefusal.FutureRevision)]
    [InlineData(4, KvRefusal.FutureRevision)]
    [InlineData(-2, KvRefusal.Compacted)]
    public void A_range_at_a_revision_out_of_reach_refuses_the_whole_transaction(long revision, KvRefusal refusal)
    {
        _kv.Do(Put("a", "1")); // Revision 2: the transaction itself would be 3.
        Assert.Equal($"{refusal}@2", _kv.Do(All(Put("a", "2"), Get("a", revision: revision))));
        Assert.Equal($"{refusal}@2", _kv.Do(All(Put("a", "2"), All(Get("a", "b", revision)))));
        Assert.Equal($"{refusal}@2", Text(KvQueries.Txn(_kv.Store, All(Get("a"), Get("a", revision: revision)))));
        Assert.Equal("1@2 a=1(2,2,1)", _kv.Ask("a"));
    }

    [Fact]
    public void A_range_at_a_compacted_revision_refuses_the_whole_transaction()
    {
        for (int i = 0; i < 4; i++) { _kv.Do(Put("a", $"{i}")); }
        _kv.Do(new KvCommand.Compact(3, false));
        Assert.Equal("Compacted@5", _kv.Do(All(Put("b"), Get("a", revision: 2))));
        Assert.Equal("Compacted@5", _kv.Do(All(Put("b"), Get("a", revision: -1))));
        Assert.Equal("then@6[put@6; 1@6 a=1(2,3,2)]", _kv.Do(All(Put("b"), Get("a", revision: 3))));
    }

    [Fact]
    public void What_is_wrong_on_the_list_not_taken_does_not_matter()
    {
        KvCompare no = CompareValue("x", KvCompareResult.Equal, "1");
        Assert.Equal(
            "else@2[put@2]",
            _kv.Do(If([no], [Get("a", revision: 99), Put("a") with { Lease = 1 }, Put("a") with { IgnoreValue = true }], [Put("a")])));
    }

    [Fact]
    public void Ignore_value_on_a_missing_key_refuses_the_whole_transaction()
    {
        Assert.Equal("KeyNotFound@1", _kv.Do(All(Put("a"), Put("b") with { IgnoreValue = true })));
        Assert.Equal("KeyNotFound@1", _kv.Do(All(Put("a"), All(Put("b") with { IgnoreLease = true }))));
        Assert.Equal("KeyNotFound@1", _kv.Do(All(Put("b"), Put("b") with { IgnoreValue = true }))); // Missing before the transaction.
        Assert.Equal("0@1", _kv.Ask("\0", "\0"));
    }

    // etcd's duplicate rule misses a delete "from key on"; its server then panics on this one.
    [Fact]
    public void Ignore_value_on_a_key_that_the_transaction_deleted_keeps_the_value_from_before()
    {
        _kv.Do(Put("a", "1"));
        Assert.Equal("then@3[deleted 1@3; put@3]", _kv.Do(All(Delete("a", "\0"), Put("a") with { IgnoreValue = true, PrevKv = true })));
        Assert.Equal("1@3 a=1(3,3,1)", _kv.Ask("a"));
    }

    [Fact]
    public void Only_a_transaction_without_writes_on_any_list_is_read_only()
    {
        Assert.True(All(Get("a"), All(Get("b"))).IsReadOnly);
        Assert.True(All().IsReadOnly);
        Assert.False(If([], [], [Delete("a")]).IsReadOnly);
        Assert.False(All(Get("a"), All(If([], [], [Put("b")]))).IsReadOnly);
    }

    [Fact]
    public void A_view_refuses_what_the_checks_refuse() =>
        Assert.Equal("EmptyKey@1", Text(KvQueries.Txn(_kv.Store, All(Get("")))));

    [Fact]
    public void The_deepest_nesting_runs_and_one_more_is_no_command()
    {
        KvCommand.Txn txn = All();
        for (int depth = 1; depth < KvCommand.MaxTxnDepth; depth++) { txn = All(txn); }
        Assert.Equal(KvRefusal.None, RequestChecks.Check(txn));
        Assert.StartsWith("then@1[then@0[", _kv.Do(txn), StringComparison.Ordinal);

        txn = All(txn);
        Assert.Equal(KvRefusal.TooManyOperations, RequestChecks.Check(txn));
        Assert.Equal(KvRefusal.TooDeep, RequestChecks.Check(txn, maxTxnOps: int.MaxValue));
        Assert.Equal("TooDeep@1", Text(KvQueries.Txn(_kv.Store, txn)));

        byte[] tooDeep = [1, .. Enumerable.Repeat<byte[]>([4, 0, 1], 100_000).SelectMany(static b => b)];
        Assert.Equal("Malformed@1", Text(_kv.ApplyBytes(tooDeep)));
    }

    private void PutAandB()
    {
        _kv.Do(Put("a", "l"));
        _kv.Do(Put("a", "m"));
        _kv.Do(Put("b", "n"));
    }

    private bool Holds(KvCompare compare)
    {
        KvCommand.Txn txn = If([compare], [], []);
        string onView = Text(KvQueries.Txn(_kv.Store, txn));
        Assert.Equal(onView, _kv.Do(txn));
        return onView.StartsWith("then", StringComparison.Ordinal);
    }
}
