using Quorate.Core;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

/// <summary>Rules of Put, DeleteRange and Compact, one by one, as etcd has them (etcd-io/etcd, server/etcdserver/txn, storage/mvcc).</summary>
public class KeyValueMachineTests
{
    private readonly KeyValueHarness _kv = new();

    [Fact]
    public void A_new_store_has_revision_1_and_nothing_compacted()
    {
        Assert.Equal("0@1", _kv.Ask("\0", "\0"));
        Assert.Equal(1, KvQueries.CurrentRevision(_kv.Store));
        Assert.Equal(-1, KvQueries.CompactedRevision(_kv.Store));
    }

    [Fact]
    public void Every_put_makes_a_revision_even_with_the_same_value()
    {
        Assert.Equal("put@2", _kv.Do(Put("a", "1")));
        Assert.Equal("put@3 was a=1(2,2,1)", _kv.Do(Put("a", "1", prevKv: true)));
        Assert.Equal("put@4", _kv.Do(Put("b")));
        Assert.Equal("1@4 a=1(2,3,2)", _kv.Ask("a"));
        Assert.Equal("1@4 b=(4,4,1)", _kv.Ask("b"));
    }

    // Goal: replicas whose watchers would be told different things do not pass for equal.
    [Fact]
    public void The_hash_covers_the_index_of_changes_from_the_compacted_revision_on()
    {
        for (int i = 0; i < 4; i++) { _kv.Do(Put("a")); }
        _kv.Do(new KvCommand.Compact(4, false));
        ulong hash = _kv.Hash;
        _kv.Store.Delete([3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]);
        Assert.Equal(hash, _kv.Hash);
        _kv.Store.Delete([3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        Assert.NotEqual(hash, _kv.Hash);
    }

    [Fact]
    public void A_put_of_a_new_key_has_no_previous_record() => Assert.Equal("put@2", _kv.Do(Put("a", "1", prevKv: true)));

    [Fact]
    public void Version_and_create_revision_start_anew_after_a_delete()
    {
        _kv.Do(Put("a", "1"));
        _kv.Do(Put("a", "2"));
        Assert.Equal("deleted 1@4 was a=2(2,3,2)", _kv.Do(Delete("a", prevKv: true)));
        Assert.Equal("put@5", _kv.Do(Put("a", "3", prevKv: true)));
        Assert.Equal("1@5 a=3(5,5,1)", _kv.Ask("a"));
    }

    [Fact]
    public void A_delete_of_nothing_makes_no_revision()
    {
        Assert.Equal("deleted 0@1", _kv.Do(Delete("a", prevKv: true)));
        Assert.Equal("deleted 0@1", _kv.Do(Delete("a", "z", prevKv: true)));
        _kv.Do(Put("a"));
        _kv.Do(Delete("a"));
        Assert.Equal("deleted 0@3", _kv.Do(Delete("a")));
        Assert.Equal("deleted 0@3", _kv.Do(Delete("\0", "\0")));
    }

    [Fact]
    public void A_delete_of_many_keys_is_one_revision_and_answers_them_in_order()
    {
        foreach (string key in new[] { "b", "a", "c", "d" }) { _kv.Do(Put(key, key)); }
        Assert.Equal("deleted 2@6 was b=b(2,2,1) was c=c(4,4,1)", _kv.Do(Delete("b", "d", prevKv: true)));
        Assert.Equal("2@6 a=a(3,3,1) d=d(5,5,1)", _kv.Ask("\0", "\0"));
        Assert.Equal("deleted 2@7", _kv.Do(Delete("a", "\0")));
        Assert.Equal("0@7", _kv.Ask("\0", "\0"));
        Assert.Equal("4@7 a=a(3,3,1) b=b(2,2,1) c=c(4,4,1) d=d(5,5,1)", _kv.Ask("\0", "\0", revision: 5));
    }

    [Fact]
    public void An_inverted_range_deletes_nothing()
    {
        _kv.Do(Put("b"));
        Assert.Equal("deleted 0@2", _kv.Do(Delete("c", "a")));
        Assert.Equal("deleted 0@2", _kv.Do(Delete("b", "b")));
    }

    [Theory]
    [InlineData(true, false, "put@3", "1@3 a=1(2,3,2)")]
    [InlineData(false, true, "put@3", "1@3 a=(2,3,2)")]
    [InlineData(true, true, "put@3", "1@3 a=1(2,3,2)")]
    public void Ignore_flags_keep_what_is_there(bool value, bool lease, string reply, string after)
    {
        _kv.Do(Put("a", "1"));
        Assert.Equal(reply, _kv.Do(Put("a") with { IgnoreValue = value, IgnoreLease = lease }));
        Assert.Equal(after, _kv.Ask("a"));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Ignore_flags_on_a_missing_key_are_refused(bool value, bool lease)
    {
        KvCommand.Put put = Put("a") with { IgnoreValue = value, IgnoreLease = lease, PrevKv = true };
        Assert.Equal("KeyNotFound@1", _kv.Do(put));
        _kv.Do(Put("a"));
        _kv.Do(Delete("a"));
        Assert.Equal("KeyNotFound@3", _kv.Do(put));
        Assert.Equal("0@3", _kv.Ask("a"));
    }

    [Fact]
    public void A_lease_that_does_not_exist_is_refused_before_the_key_is_looked_at()
    {
        Assert.Equal("LeaseNotFound@1", _kv.Do(Put("a") with { Lease = 7 }));
        Assert.Equal("LeaseNotFound@1", _kv.Do(Put("a") with { Lease = 7, IgnoreValue = true }));
        Assert.Equal("LeaseNotFound@1", _kv.Do(All(Put("b"), Put("a") with { Lease = 7 })));
        Assert.Equal("0@1", _kv.Ask("\0", "\0"));
    }

    [Fact]
    public void The_machine_refuses_what_no_door_lets_through()
    {
        Assert.Equal("EmptyKey@1", _kv.Do(Put("")));
        Assert.Equal("EmptyKey@1", _kv.Do(Delete("")));
        Assert.Equal("EmptyKey@1", _kv.Do(Get("")));
        Assert.Equal("ValueProvided@1", _kv.Do(Put("a", "1") with { IgnoreValue = true }));
        Assert.Equal("LeaseProvided@1", _kv.Do(Put("a") with { IgnoreLease = true, Lease = 1 }));
        Assert.Equal("InvalidSortOption@1", _kv.Do(new KvCommand.Range(Get("a").Query with { SortOrder = (KvSortOrder)3 })));
        Assert.Equal("EmptyKey@1", _kv.Do(All(Put("a"), Put(""))));
        Assert.Equal("Malformed@1", Text(_kv.ApplyBytes([])));
        Assert.Equal("Malformed@1", Text(_kv.ApplyBytes([1, 99])));
        Assert.Equal("Malformed@1", Text(_kv.ApplyBytes([2, 1, 0, 0, 1, 97, 0])));
        Assert.Equal("0@1", _kv.Ask("\0", "\0"));
    }

    [Fact]
    public void Compaction_refuses_what_is_compacted_and_what_is_to_come()
    {
        Assert.Equal("Compacted@1", _kv.Do(new KvCommand.Compact(-1, false)));
        Assert.Equal("FutureRevision@1", _kv.Do(new KvCommand.Compact(2, false)));
        Assert.Equal("compacted@1", _kv.Do(new KvCommand.Compact(0, false)));
        Assert.Equal("Compacted@1", _kv.Do(new KvCommand.Compact(0, false)));
        _kv.Do(Put("a"));
        Assert.Equal("compacted@2", _kv.Do(new KvCommand.Compact(2, true)));
        Assert.Equal("Compacted@2", _kv.Do(new KvCommand.Compact(1, true)));
        Assert.Equal(2, KvQueries.CompactedRevision(_kv.Store));
    }

    [Fact]
    public void The_compacted_revision_itself_can_be_read_and_older_ones_not()
    {
        _kv.Do(Put("a", "1"));
        _kv.Do(Put("a", "2"));
        _kv.Do(Put("a", "3"));
        _kv.Do(new KvCommand.Compact(3, false));
        Assert.Equal("Compacted@4", _kv.Ask("a", revision: 2));
        Assert.Equal("Compacted@4", _kv.Ask("a", "b", revision: 2));
        Assert.Equal("1@4 a=2(2,3,2)", _kv.Ask("a", revision: 3));
        Assert.Equal("1@4 a=3(2,4,3)", _kv.Ask("a", revision: 4));
        Assert.Equal("FutureRevision@4", _kv.Ask("a", revision: 5));
    }

    [Fact]
    public void The_filter_drops_exactly_what_cannot_be_read()
    {
        _kv.Do(Put("gone", "1")); // 2: dropped with its tombstone
        _kv.Do(Delete("gone")); // 3
        _kv.Do(Put("kept", "1")); // 4: dropped
        _kv.Do(Put("kept", "2")); // 5: the state at 7
        _kv.Do(Put("at", "1")); // 6: dropped
        _kv.Do(Delete("at")); // 7: a tombstone at the compacted revision stays
        _kv.Do(Put("kept", "3")); // 8
        _kv.Do(new KvCommand.Compact(7, false));
        ulong hash = _kv.Hash;

        _kv.Store.CompactAll();

        Assert.Equal(1 + 3 + 2, _kv.Store.Count); // Revisions; at@7, kept@5 and kept@8; the changes of 7 and 8.
        Assert.Equal("1@8 kept=2(4,5,2)", _kv.Ask("\0", "\0", revision: 7));
        Assert.Equal("1@8 kept=3(4,8,3)", _kv.Ask("\0", "\0"));
        Assert.Equal(hash, _kv.Hash);
    }

    [Fact]
    public void A_tombstone_above_the_bottom_stays()
    {
        _kv.Do(Put("a", "1"));
        _kv.Do(Delete("a"));
        _kv.Do(Put("b"));
        _kv.Do(new KvCommand.Compact(4, false));
        ICompactionFilter filter = _kv.Machine.CreateCompactionFilter(_kv.Store)!;

        bool[] kept = [.. _kv.Store.Records.Select(r => filter.Keep(r.Key, r.Value, isBottommost: false))];

        // Revisions; a@3 (the tombstone), a@2, b@4; the changes of revisions 2, 3 and 4.
        Assert.Equal([true, true, false, true, false, false, true], kept);
    }

    [Fact]
    public void Without_a_compaction_there_is_no_filter() => Assert.Null(_kv.Machine.CreateCompactionFilter(_kv.Store));

    [Fact]
    public void A_machine_that_is_opened_again_goes_on_where_the_store_is()
    {
        _kv.Do(Put("a", "1"));
        IStateMachine machine = Catalog.Find(Catalog.KeyValue.Id)!.Create();
        machine.Open(_kv.Store);
        var payload = new ByteWriter();
        var reply = new ByteWriter();
        KvCommand.EncodePut(payload, "a"u8, "2"u8, prevKv: true);
        machine.Apply(new CommittedCommand(new LogIndex(9), default, payload.Written), _kv.Store, reply);
        Assert.True(KvReply.TryDecode(reply.WrittenMemory, out KvReply? decoded));
        Assert.Equal("put@3 was a=1(2,2,1)", Text(decoded));
    }

    [Fact]
    public void The_store_keys_are_as_documented()
    {
        _kv.Do(Put("a\0b", "v"));
        (byte[] key, byte[] value) = _kv.Store.Records.ElementAt(1);
        Assert.Equal("02" + "6100FF62" + "0001" + "FFFFFFFFFFFFFFFD" + "FFFFFFFF", Convert.ToHexString(key));
        Assert.Equal("00" + "02" + "01" + "00" + "76", Convert.ToHexString(value));
        Assert.Equal(7, _kv.Machine.FilterPrefixLength(key));
        (key, value) = _kv.Store.Records.Last();
        Assert.Equal("03" + "0000000000000002" + "00000000", Convert.ToHexString(key));
        Assert.Equal("6100FF62", Convert.ToHexString(value));
        Assert.Equal(1, _kv.Machine.FilterPrefixLength(key));
        (key, value) = _kv.Store.Records.First();
        Assert.Equal("01", Convert.ToHexString(key));
        Assert.Equal("02" + "0200000000000000" + "FFFFFFFFFFFFFFFF", Convert.ToHexString(value));
    }

    // A watch tells the changes of a revision in this order.
    [Fact]
    public void Sub_revisions_number_the_changes_of_a_revision()
    {
        _kv.Do(Put("b"));
        _kv.Do(All(Put("c"), Put("a"), Delete("b", "d"), Put("c")));
        IEnumerable<string> keys = _kv.Store.Records.Where(static r => r.Key[0] == 2).Select(static r => Convert.ToHexString(r.Key.AsSpan()[1..]));
        Assert.Equal(
            [
                "610001" + "FFFFFFFFFFFFFFFC" + "FFFFFFFE", // a: revision 3, change 1
                "620001" + "FFFFFFFFFFFFFFFC" + "FFFFFFFD", // b: the tombstone, change 2
                "620001" + "FFFFFFFFFFFFFFFD" + "FFFFFFFF",
                "630001" + "FFFFFFFFFFFFFFFC" + "FFFFFFFB", // c: put again, change 4; tombstone, 3; put, 0
                "630001" + "FFFFFFFFFFFFFFFC" + "FFFFFFFC",
                "630001" + "FFFFFFFFFFFFFFFC" + "FFFFFFFF",
            ],
            keys);
    }

    // Goal: the changes are indexed in their order, and what a compaction leaves of the index is all that can be asked for.
    [Fact]
    public void Changes_can_be_read_from_the_compacted_revision_on()
    {
        _kv.Do(Put("b", "1"));
        _kv.Do(All(Put("c", "2"), Put("a\0", "3"), Delete("b", "d"), Put("c", "4")));
        Assert.Equal("2 b=1|3 c=2|3 a\0=3|3 b- was 1|3 c-|3 c=4", Changes(from: 0));
        _kv.Do(Put("a", "5"));
        _kv.Do(new KvCommand.Compact(3, false));
        _kv.Store.CompactAll();
        Assert.Equal("3 c=2|3 a\0=3|3 b-|3 c-|3 c=4|4 a=5", Changes(from: 3));
        _kv.Do(new KvCommand.Compact(4, false));
        _kv.Store.CompactAll();
        Assert.Equal("4 a=5", Changes(from: 0));
    }

    private string Changes(long from)
    {
        long compacted = KvQueries.CompactedRevision(_kv.Store);
        using var changes = new KvChangeReader(_kv.Store, from);
        var lines = new List<string>();
        while (changes.MoveNext())
        {
            string key = $"{changes.Revision} {System.Text.Encoding.UTF8.GetString(changes.Key)}";
            string before = changes.ReadPrevious(compacted) is { } previous ? $" was {System.Text.Encoding.UTF8.GetString(previous.Value.Span)}" : "";
            lines.Add(changes.Read() is { } record ? $"{key}={System.Text.Encoding.UTF8.GetString(record.Value.Span)}{before}" : $"{key}-{before}");
        }

        return string.Join('|', lines);
    }

    [Fact]
    public void A_store_of_another_format_is_refused()
    {
        _kv.Store.Put([1], [3, 0, 0]);
        Assert.Throws<NotSupportedException>(() => _kv.Machine.Open(_kv.Store));
    }

    [Fact]
    public void The_catalog_keeps_its_ids()
    {
        Assert.Equal([(1u, "keyvalue")], Catalog.All.Select(static k => (k.Id, k.Name)));
        Assert.Null(Catalog.Find(0));
    }
}
