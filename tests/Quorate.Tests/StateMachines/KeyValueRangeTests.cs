using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

/// <summary>Rules of ranges (etcd-io/etcd, server/etcdserver/txn/range.go).</summary>
public class KeyValueRangeTests
{
    private readonly KeyValueHarness _kv = new();

    // a=3 (2,5,2), b=1 (3,3,1), c=2 (4,7,3), d=1 (8,8,1); current revision 8.
    public KeyValueRangeTests()
    {
        foreach ((string key, string value) in new[] { ("a", "0"), ("b", "1"), ("c", "0"), ("a", "3"), ("c", "1"), ("c", "2"), ("d", "1") })
        {
            _kv.Do(Put(key, value));
        }
    }

    [Theory]
    [InlineData("a", "", "1@8 a=3(2,5,2)")]
    [InlineData("x", "", "0@8")]
    [InlineData("b", "d", "2@8 b=1(3,3,1) c=2(4,7,3)")]
    [InlineData("a\0", "c\0", "2@8 b=1(3,3,1) c=2(4,7,3)")]
    [InlineData("c", "\0", "2@8 c=2(4,7,3) d=1(8,8,1)")]
    [InlineData("\0", "\0", "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    [InlineData("\0", "b", "1@8 a=3(2,5,2)")]
    [InlineData("b", "b", "0@8")]
    [InlineData("d", "a", "0@8")]
    [InlineData("x", "\0", "0@8")]
    public void Ranges_end_where_etcds_do(string key, string end, string expected) => Assert.Equal(expected, _kv.Ask(key, end));

    [Theory]
    [InlineData(-5, "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    [InlineData(0, "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    [InlineData(8, "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    [InlineData(6, "3@8 a=3(2,5,2) b=1(3,3,1) c=1(4,6,2)")]
    [InlineData(3, "2@8 a=0(2,2,1) b=1(3,3,1)")]
    [InlineData(1, "0@8")]
    [InlineData(9, "FutureRevision@8")]
    public void Old_revisions_stay_readable(long revision, string expected) => Assert.Equal(expected, _kv.Ask("a", "\0", revision));

    [Fact]
    public void A_key_deleted_since_is_still_read_at_its_revision()
    {
        _kv.Do(Delete("b"));
        Assert.Equal("0@9", _kv.Ask("b"));
        Assert.Equal("1@9 b=1(3,3,1)", _kv.Ask("b", revision: 8));
        Assert.Equal("2@9 b=1(3,3,1) c=2(4,7,3)", _kv.Ask("b", "d", revision: 8));
    }

    [Theory]
    [InlineData(0, "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    [InlineData(-1, "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    [InlineData(1, "4@8 more a=3(2,5,2)")]
    [InlineData(3, "4@8 more a=3(2,5,2) b=1(3,3,1) c=2(4,7,3)")]
    [InlineData(4, "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    [InlineData(long.MaxValue, "4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)")]
    public void A_limit_cuts_the_records_but_not_the_count(long limit, string expected) =>
        Assert.Equal(expected, _kv.Ask(Everything with { Limit = limit }));

    [Fact]
    public void Pages_count_what_remains()
    {
        Assert.Equal("4@8 more a=3(2,5,2) b=1(3,3,1)", _kv.Ask(Everything with { Limit = 2, Revision = 8 }));
        Assert.Equal("2@8 c=2(4,7,3) d=1(8,8,1)", _kv.Ask(Everything with { Key = Bytes("b\0"), Limit = 2, Revision = 8 }));
    }

    [Theory]
    [InlineData(KvSortTarget.Key, KvSortOrder.None, "abcd")]
    [InlineData(KvSortTarget.Key, KvSortOrder.Ascending, "abcd")]
    [InlineData(KvSortTarget.Key, KvSortOrder.Descending, "dcba")]
    [InlineData(KvSortTarget.Version, KvSortOrder.Ascending, "bdac")]
    [InlineData(KvSortTarget.Version, KvSortOrder.Descending, "cabd")]
    [InlineData(KvSortTarget.Version, KvSortOrder.None, "bdac")]
    [InlineData(KvSortTarget.Create, KvSortOrder.Ascending, "abcd")]
    [InlineData(KvSortTarget.Create, KvSortOrder.Descending, "dcba")]
    [InlineData(KvSortTarget.Mod, KvSortOrder.None, "bacd")]
    [InlineData(KvSortTarget.Mod, KvSortOrder.Descending, "dcab")]
    [InlineData(KvSortTarget.Value, KvSortOrder.Ascending, "bdca")]
    [InlineData(KvSortTarget.Value, KvSortOrder.Descending, "acbd")]
    public void Records_are_sorted_and_ties_stay_in_order_of_key(KvSortTarget target, KvSortOrder order, string expected)
    {
        RangeQuery query = Everything with { SortTarget = target, SortOrder = order };
        Assert.Equal(expected, Keys(query));
        Assert.Equal(expected, Keys(query with { KeysOnly = true }));
        if (order != KvSortOrder.None) { Assert.Equal(expected[..2], Keys(query with { Limit = 2 })); }
    }

    // As etcd does: without an order the limit, and one more, is taken by key before the rest is sorted.
    [Fact]
    public void A_target_without_an_order_sorts_what_the_limit_left()
    {
        Assert.Equal("ba", Keys(Everything with { SortTarget = KvSortTarget.Version, Limit = 2 }));
        Assert.Equal("4@8 more b=1(3,3,1)", _kv.Ask(Everything with { SortTarget = KvSortTarget.Mod, Limit = 1 }));
    }

    [Fact]
    public void Sort_options_out_of_range_are_refused()
    {
        Assert.Equal("InvalidSortOption@8", _kv.Ask(Everything with { SortOrder = (KvSortOrder)(-1) }));
        Assert.Equal("InvalidSortOption@8", _kv.Ask(Everything with { SortTarget = (KvSortTarget)5 }));
        Assert.Equal("EmptyKey@8", _kv.Ask(default(RangeQuery)));
    }

    [Fact]
    public void Filters_are_inclusive_and_leave_the_count_alone()
    {
        Assert.Equal("4@8 a=3(2,5,2) c=2(4,7,3)", _kv.Ask(Everything with { MinModRevision = 5, MaxModRevision = 7 }));
        Assert.Equal("4@8 b=1(3,3,1) c=2(4,7,3)", _kv.Ask(Everything with { MinCreateRevision = 3, MaxCreateRevision = 4 }));
        Assert.Equal("4@8", _kv.Ask(Everything with { MaxModRevision = -1 }));
        Assert.Equal("1@8", _kv.Ask(new RangeQuery { Key = Bytes("a"), MinModRevision = 6 }));
    }

    [Fact]
    public void More_is_told_of_what_passed_the_filters()
    {
        Assert.Equal("4@8 more a=3(2,5,2)", _kv.Ask(Everything with { MinModRevision = 5, Limit = 1 }));
        Assert.Equal("4@8 c=2(4,7,3) d=1(8,8,1)", _kv.Ask(Everything with { MinModRevision = 7, Limit = 2 }));
    }

    // concurrency.Mutex and Election find their predecessor like this.
    [Fact]
    public void The_last_created_before_a_revision() => Assert.Equal(
        "4@8 more c=2(4,7,3)",
        _kv.Ask(Everything with { MaxCreateRevision = 7, SortTarget = KvSortTarget.Create, SortOrder = KvSortOrder.Descending, Limit = 1 }));

    [Fact]
    public void Keys_only_leaves_out_values_and_nothing_else() =>
        Assert.Equal("4@8 more a=(2,5,2) b=(3,3,1)", _kv.Ask(Everything with { KeysOnly = true, Limit = 2 }));

    [Fact]
    public void Count_only_answers_no_records_and_no_more()
    {
        Assert.Equal("4@8", _kv.Ask(Everything with { CountOnly = true, Limit = 1 }));
        Assert.Equal("1@8", _kv.Ask(new RangeQuery { Key = Bytes("a"), CountOnly = true }));
        Assert.Equal("0@8", _kv.Ask(new RangeQuery { Key = Bytes("x"), CountOnly = true }));
    }

    [Fact]
    public void Records_are_good_after_the_store_has_changed()
    {
        RangeResult one = KvQueries.Range(_kv.Store, Get("a").Query);
        RangeResult all = KvQueries.Range(_kv.Store, Everything);
        _kv.Do(Delete("\0", "\0"));
        Assert.Equal("1@8 a=3(2,5,2)", Text(one));
        Assert.Equal("4@8 a=3(2,5,2) b=1(3,3,1) c=2(4,7,3) d=1(8,8,1)", Text(all));
    }

    [Fact]
    public void Large_keys_and_values_come_back_whole()
    {
        string key = new('k', 5000);
        string value = new('v', 200_000);
        _kv.Do(Put(key, value));
        RangeResult one = KvQueries.Range(_kv.Store, Get(key).Query);
        RangeResult many = KvQueries.Range(_kv.Store, Get("c", "\0").Query);
        Assert.True(one.Records[0].Value.Span.SequenceEqual(Bytes(value).Span));
        Assert.True(many.Records[2].Value.Span.SequenceEqual(Bytes(value).Span) && many.Records[2].Key.Span.SequenceEqual(Bytes(key).Span));
    }

    private static RangeQuery Everything => new() { Key = Bytes("\0"), RangeEnd = Bytes("\0") };

    private string Keys(RangeQuery query) =>
        string.Concat(KvQueries.Range(_kv.Store, query).Records.Select(static r => (char)r.Key.Span[0]));
}
