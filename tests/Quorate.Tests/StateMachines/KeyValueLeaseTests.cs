// Goal: each of etcd's rules for leases, as a line of commands and answers.
using System.Text;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValueLeaseTests
{
    private readonly KeyValueHarness _kv = new();

    [Theory]
    [InlineData(7, 60, "lease 7 for 60 s@1")]
    [InlineData(-7, 60, "lease -7 for 60 s@1")]
    [InlineData(7, 0, "lease 7 for 1 s@1")]
    [InlineData(7, -5, "lease 7 for 1 s@1")]
    [InlineData(7, 9_000_000_000, "lease 7 for 9000000000 s@1")]
    [InlineData(7, 9_000_000_001, "LeaseTooLong@1")]
    public void A_grant_answers_the_time_it_gives(long id, long seconds, string answer) => Assert.Equal(answer, _kv.Do(new KvCommand.LeaseGrant(id, seconds)));

    [Fact]
    public void A_lease_exists_once_and_again_after_it_was_revoked()
    {
        Assert.Equal("LeaseNotFound@1", _kv.Do(new KvCommand.LeaseRevoke(7)));
        Grant(7);
        Assert.Equal("LeaseExists@1", _kv.Do(new KvCommand.LeaseGrant(7, 60)));
        Assert.Equal("revoked@1", _kv.Do(new KvCommand.LeaseRevoke(7))); // It had no keys: no revision.
        Assert.Equal("LeaseNotFound@1", _kv.Do(new KvCommand.LeaseRevoke(7)));
        Grant(7);
        Assert.Equal("renewed for 60 s@1", _kv.Do(new KvCommand.LeaseRenew(7)));
        Assert.Equal("renewed for 0 s@1", _kv.Do(new KvCommand.LeaseRenew(8)));
    }

    [Fact]
    public void Chosen_ids_are_positive_different_and_free()
    {
        var ids = new HashSet<long>();
        for (int i = 0; i < 1000; i++)
        {
            var reply = (KvReply.LeaseGrant)Apply(new KvCommand.LeaseGrant(0, 60));
            Assert.True(reply.Id > 0 && ids.Add(reply.Id), $"{reply.Id}");
        }
    }

    // Several commands share an entry, and a client may have taken the very number.
    [Fact]
    public void Ids_chosen_in_one_entry_differ_and_pass_over_taken_ones()
    {
        var probe = new KeyValueHarness();
        long first = Grants(probe, entry: 5, count: 1)[0];
        _kv.Do(new KvCommand.LeaseGrant(first, 60));
        long[] chosen = Grants(_kv, entry: 5, count: 3);
        Assert.Equal(4, chosen.Append(first).Distinct().Count());
    }

    [Fact]
    public void Keys_hang_on_the_lease_of_their_last_put()
    {
        Grant(7);
        Grant(8);
        _kv.Do(Put("a") with { Lease = 7 });
        _kv.Do(Put("b") with { Lease = 7 });
        _kv.Do(Put("c") with { Lease = 7 });
        _kv.Do(Put("d") with { Lease = 7 });
        _kv.Do(Put("e") with { Lease = 7 });
        Assert.Equal("a b c d e", Keys(7));
        _kv.Do(Put("a")); // Detached by a plain put,
        _kv.Do(Put("b") with { Lease = 8 }); // moved by another lease,
        _kv.Do(Put("c", "x") with { IgnoreLease = true }); // kept,
        _kv.Do(Delete("d")); // detached by a delete,
        _kv.Do(Delete("e", "f"));
        _kv.Do(Put("d"));
        Assert.Equal(("c", "b"), (Keys(7), Keys(8)));
        Assert.Equal("1@12 c=x(4,9,2,7)", _kv.Ask("c"));
    }

    // The same, with nothing in memory of what was written.
    [Fact]
    public void A_machine_opened_again_knows_which_lease_to_detach()
    {
        Grant(7);
        _kv.Do(Put("a") with { Lease = 7 });
        _kv.Machine.Open(_kv.Store);
        _kv.Do(Put("a"));
        Assert.Equal("", Keys(7));
        Assert.Equal("revoked@3", _kv.Do(new KvCommand.LeaseRevoke(7)));
        Assert.Equal("1@3 a=(2,3,2)", _kv.Ask("a"));
    }

    [Fact]
    public void A_revoked_lease_takes_its_keys_along_in_one_revision()
    {
        Grant(7);
        _kv.Do(Put("b", "1") with { Lease = 7 });
        _kv.Do(Put("a", "1") with { Lease = 7 });
        _kv.Do(Put("c", "1"));
        Assert.Equal("revoked@5", _kv.Do(new KvCommand.LeaseRevoke(7)));
        Assert.Equal("1@5 c=1(4,4,1)", _kv.Ask("\0", "\0"));
        Assert.Equal("3@5 a=1(3,3,1,7) b=1(2,2,1,7) c=1(4,4,1)", _kv.Ask("\0", "\0", revision: 4));
        Assert.Equal("LeaseNotFound@5", _kv.Do(Put("a") with { Lease = 7 }));
    }

    // Goal: deletes larger than what is collected at once leave nothing, in one revision and in order.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Large_deletes_are_whole(bool byRange)
    {
        const int Many = 1000;
        Grant(7);
        string[] names = [.. Enumerable.Range(0, Many).Select(static i => $"{i:D4}" + new string('k', 996))];
        foreach (string name in names) { _kv.Do(Put(name) with { Lease = 7 }); }
        Assert.Equal(
            byRange ? $"deleted {Many}@{Many + 2}" : $"revoked@{Many + 2}",
            _kv.Do(byRange ? Delete("0", "9") : new KvCommand.LeaseRevoke(7)));
        Assert.Equal("", Keys(7));
        Assert.Equal($"0@{Many + 2}", Count());
        Assert.Equal(names, Changes(Many + 2));
    }

    [Fact]
    public void In_a_transaction_leases_are_compared_kept_and_changed()
    {
        Grant(7);
        _kv.Do(Put("a") with { Lease = 7 });
        Assert.Equal("then@3[put@3]", _kv.Do(If([Compare(KvCompareTarget.Lease, "a", KvCompareResult.Equal, 7)], [Put("b") with { Lease = 7 }], [])));
        Assert.Equal("else@3[]", _kv.Do(If([Compare(KvCompareTarget.Lease, "a", KvCompareResult.Greater, 7)], [Put("b")], [])));
        Assert.Equal("LeaseNotFound@3", _kv.Do(All(Delete("a"), Put("b") with { Lease = 9 })));

        // ignore_lease of a key that the transaction deleted from key on: as it was before.
        _kv.Do(All(Delete("a", "\0"), Put("a", "new") with { IgnoreLease = true }, Put("c") with { Lease = 7 }));
        Assert.Equal("a c", Keys(7));
    }

    [Fact]
    public void A_timer_ends_what_was_due_and_no_more()
    {
        Grant(1, seconds: 10); // Until 10,000.
        Grant(2, seconds: 10);
        Grant(3, seconds: 11);
        _kv.Do(Put("a") with { Lease = 1 });
        _kv.Do(Put("b") with { Lease = 2 });
        _kv.Do(Put("c") with { Lease = 3 });
        Assert.Equal(10_000, _kv.Machine.NextDeadline);
        _kv.Timer(9_999);
        Assert.Equal("3@4", Count());
        _kv.Timer(10_000);
        Assert.Equal("1@6", Count()); // One revision for each lease.
        Assert.Equal(11_000, _kv.Machine.NextDeadline);
        _kv.Timer(11_000);
        Assert.Equal("0@7", Count());
        Assert.Null(_kv.Machine.NextDeadline);
        Assert.Empty(LeaseQueries.All(_kv.Store));
    }

    [Fact]
    public void A_renewed_lease_lives_its_whole_time_from_then_on()
    {
        Grant(7, seconds: 10);
        _kv.Do(Put("a") with { Lease = 7 });
        _kv.Clock = 4_000;
        _kv.Do(new KvCommand.LeaseRenew(7));
        Assert.Equal(10_000, _kv.Machine.NextDeadline); // Early is allowed.
        _kv.Timer(13_999);
        Assert.Equal(14_000, _kv.Machine.NextDeadline);
        Assert.Equal("1@2", Count());
        _kv.Machine.Open(_kv.Store);
        Assert.Equal(14_000, _kv.Machine.NextDeadline);
        _kv.Timer(14_000);
        Assert.Equal("0@3", Count());
    }

    // A renewal costs one record; the agenda does not grow with it.
    [Fact]
    public void Renewals_leave_nothing_behind()
    {
        Grant(7, seconds: 10);
        int before = _kv.Store.Count;
        for (int i = 0; i < 100; i++)
        {
            _kv.Clock += 1000;
            _kv.Do(new KvCommand.LeaseRenew(7));
            if (i % 7 == 0) { _kv.Timer(_kv.Clock); }
        }

        Assert.Equal(before, _kv.Store.Count);
        _kv.Do(new KvCommand.LeaseRevoke(7));
        Assert.DoesNotContain(_kv.Store.Records, static record => record.Key[0] is 4 or 5 or 6);
    }

    [Fact]
    public void One_timer_ends_a_thousand_leases_and_the_next_the_others()
    {
        for (int i = 1; i <= 1500; i++) { Grant(i, seconds: 10); }
        _kv.Timer(20_000);
        Assert.Equal(500, LeaseQueries.All(_kv.Store).Length);
        Assert.Equal(10_000, _kv.Machine.NextDeadline);
        _kv.Timer(20_000);
        Assert.Null(_kv.Machine.NextDeadline);
    }

    [Fact]
    public void The_records_are_as_documented()
    {
        _kv.Clock = 1000;
        Grant(7, seconds: 60);
        _kv.Do(Put("ab") with { Lease = 7 });
        Assert.Equal(
            [
                "040000000000000007 = 013CC8DC03C8DC03", // Format 1, 60 s, deadline and agenda 61,000 ms.
                "05000000000000EE480000000000000007 = ",
                "0600000000000000076162 = ",
            ],
            _kv.Store.Records.Where(static r => r.Key[0] >= 4).Select(static r => $"{Convert.ToHexString(r.Key)} = {Convert.ToHexString(r.Value)}"));
    }

    private void Grant(long id, long seconds = 60) => Assert.Equal($"lease {id} for {seconds} s@{Revision}", _kv.Do(new KvCommand.LeaseGrant(id, seconds)));

    private long Revision => KvQueries.CurrentRevision(_kv.Store);

    private string Count() => _kv.Ask(Get("\0", "\0").Query with { CountOnly = true });

    private string Keys(long lease) =>
        string.Join(' ', LeaseQueries.KeysOf(_kv.Store, lease).Select(static key => Encoding.Latin1.GetString(key.Span)));

    private List<string> Changes(long from)
    {
        var keys = new List<string>();
        using var changes = new KvChangeReader(_kv.Store, from);
        while (changes.MoveNext()) { keys.Add(Encoding.Latin1.GetString(changes.Key)); }
        return keys;
    }

    private KvReply Apply(KvCommand command)
    {
        var payload = new ByteWriter();
        command.Encode(payload);
        return _kv.ApplyBytes(payload.Written);
    }

    private static long[] Grants(KeyValueHarness kv, ulong entry, int count)
    {
        var payload = new ByteWriter();
        new KvCommand.LeaseGrant(0, 60).Encode(payload);
        var ids = new List<long>();
        for (int i = 0; i < count; i++)
        {
            var reply = new ByteWriter();
            kv.Machine.Apply(new CommittedCommand(new LogIndex(entry), default, payload.Written), kv.Writer, reply);
            Assert.True(KvReply.TryDecode(reply.ToArray(), out KvReply? decoded));
            ids.Add(((KvReply.LeaseGrant)decoded).Id);
        }

        return [.. ids];
    }
}
