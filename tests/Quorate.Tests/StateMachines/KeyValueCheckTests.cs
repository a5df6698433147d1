// Goal: comparing replicas. Reports are gathered alike on every replica, a majority of the voters decides, and nobody is accused without one;
// and the hash covers all that replicas must agree on, however many steps it takes.
using System.Text;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValueCheckTests
{
    private readonly KeyValueHarness _kv = new() { Voters = [new(new(1), new(11)), new(new(2), new(12)), new(new(3), new(13))] };

    private StateCheck Last => _kv.Machine.Checks!.Last!;

    [Fact]
    public void A_majority_decides_who_is_wrong_as_soon_as_it_is_there()
    {
        Begin();
        Report(3, 0xBAD);
        Assert.Null(Last.Agreed);
        Report(1, 0xA);
        Assert.Null(Last.Agreed);
        Assert.False(Last.IsUndecided);
        Report(2, 0xA);
        Assert.Equal(0xAUL, Last.Agreed);
        Assert.Equal([3UL], Last.Wrong.Select(report => report.Replica.Value));
        Assert.Empty(KvQueries.Alarms(_kv.Writer));
    }

    [Fact]
    public void Who_reports_late_is_judged_too()
    {
        Begin();
        Report(1, 0xA);
        Report(2, 0xA);
        Assert.Empty(Last.Wrong);
        Report(3, 0xBAD, generation: 7);
        Assert.Equal(new StateReport(new(3), 7, 0xBAD), Assert.Single(Last.Wrong));
    }

    [Fact]
    public void A_learner_is_judged_and_does_not_decide()
    {
        Begin();
        Report(4, 0xBAD);
        Report(1, 0xBAD);
        Assert.Null(Last.Agreed);
        Report(2, 0xA);
        Report(3, 0xA);
        Assert.Equal([4UL, 1UL], Last.Wrong.Select(report => report.Replica.Value));
    }

    [Fact]
    public void Without_a_majority_nobody_is_wrong_and_the_alarm_of_no_member_is_raised()
    {
        Begin();
        Report(1, 0xA);
        Report(2, 0xB);
        Assert.Empty(KvQueries.Alarms(_kv.Writer));
        Report(3, 0xC);
        Assert.True(Last.IsUndecided);
        Assert.Empty(Last.Wrong);
        Assert.Equal([new(0, KvAlarmType.Corrupt)], KvQueries.Alarms(_kv.Writer));
        Assert.Equal("Corrupt@1", _kv.Do(Put("a")));

        // Cleared by the operator it does not come back by a learner's word, only by the next comparison.
        _kv.Do(new KvCommand.Alarm(false, 0, KvAlarmType.Corrupt));
        Report(4, 0xD);
        Assert.Equal("put@2", _kv.Do(Put("a")));
    }

    [Fact]
    public void Two_voters_that_differ_are_undecided_and_one_alone_agrees_with_itself()
    {
        _kv.Voters = _kv.Voters[..2];
        Begin();
        Report(1, 0xA);
        Report(2, 0xB);
        Assert.True(Last.IsUndecided);
        _kv.Voters = _kv.Voters[..1];
        Begin();
        Report(1, 0xA);
        Assert.Equal(0xAUL, Last.Agreed);
    }

    [Fact]
    public void A_report_counts_once_and_for_its_own_comparison_only()
    {
        LogIndex first = Begin();
        Report(1, 0xA);
        Report(1, 0xB);
        Assert.Equal(new StateReport(new(1), 1, 0xA), Assert.Single(Last.Reports));
        LogIndex second = Begin();
        Assert.True(second > first);
        Assert.Empty(Last.Reports);
        Assert.Equal("noted@1", _kv.Do(new KvCommand.CheckReport(first, new(new(2), 1, 0xA))));
        Assert.Empty(Last.Reports);
    }

    [Fact]
    public void A_comparison_is_state_and_no_part_of_what_is_compared()
    {
        _kv.Do(Put("a", "1"));
        ulong before = _kv.Hash;
        Begin();
        Report(2, 0xA);
        Assert.Equal(before, _kv.Hash);
        StateCheck written = Last;
        _kv.Machine.Open(_kv.Writer);
        Assert.Equal((written.At, written.Format), (Last.At, Last.Format));
        Assert.Equal(written.Voters, Last.Voters);
        Assert.Equal(written.Reports, Last.Reports);

        // A record that is damaged in a way that checksums do not see is as good as none.
        _kv.Writer.Put([0x0C], [1, 2, 3]);
        _kv.Machine.Open(_kv.Writer);
        Assert.Null(_kv.Machine.Checks!.Last);
        Begin();
        Assert.Equal(3, Last.Voters.Length);
    }

    // No client can send these commands, so they carry no sender.
    [Fact]
    public void Members_are_compared_while_users_are_asked_for()
    {
        _kv.Do(new KvCommand.UserAdd("root", Encoding.ASCII.GetBytes("h"), HasPassword: true));
        _kv.Do(new KvCommand.RoleAdd("root"));
        _kv.Do(new KvCommand.UserGrantRole("root", "root"));
        Assert.Equal("done@1", _kv.Do(new KvCommand.AuthEnable()));
        Assert.Equal("UserNameEmpty@1", _kv.Do(Put("a")));
        Begin();
        Report(1, 0xA);
        Report(2, 0xA);
        Assert.Equal(0xAUL, Last.Agreed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(1_000)]
    public void Steps_of_any_size_give_the_hash_of_the_whole(long bytes)
    {
        Fill();
        IStateHasher hasher = _kv.Machine.Checks!.NewHasher();
        int steps = 1;
        while (!hasher.Step(_kv.Writer, bytes)) { steps++; }
        Assert.Equal(_kv.Hash, hasher.Value);
        Assert.True(steps > 2 || bytes > 500);
    }

    // One record of each kind more, or another value, or one fewer: each makes another hash.
    [Fact]
    public void Every_kind_of_record_counts()
    {
        Fill();
        ulong whole = _kv.Hash;
        var kinds = new SortedSet<byte>();
        foreach ((byte[] key, byte[] value) in _kv.Store.Records.ToArray())
        {
            if (key[0] == 0x0C) { continue; }
            bool isVisible = key[0] is not (2 or 3);
            _kv.Writer.Put(key, [.. value, 1]);
            if (key[0] != 1) { Change(_kv.Hash); }
            _kv.Writer.Delete(key);
            if (key[0] != 1) { Change(_kv.Hash); }
            _kv.Writer.Put(key, value);
            Assert.Equal(whole, _kv.Hash);

            // Of versions and changes, those that are compacted do not count.
            void Change(ulong now)
            {
                if (now != whole) { kinds.Add(key[0]); }
                Assert.True(now != whole || !isVisible, $"{Convert.ToHexString(key)} does not count");
            }
        }

        Assert.Equal([2, 3, 4, 5, 6, 7, 8, 9, 0x0B, 0x0D, 0x0E, 0x0F, 0x10], kinds);
    }

    private LogIndex Begin()
    {
        Assert.Equal("noted", _kv.ApplyBytes(_kv.Machine.Checks!.Begin().Span) is KvReply.CheckNoted ? "noted" : "");
        return Last.At;
    }

    private void Report(ulong replica, ulong hash, int generation = 1) =>
        _kv.ApplyBytes(_kv.Machine.Checks!.Report(Last.At, new(new(replica), generation, hash)).Span);

    private void Fill()
    {
        for (int i = 0; i < 20; i++) { _kv.Do(Put($"k{i % 7}", $"value {i}")); }
        _kv.Do(Delete("k3"));
        _kv.Do(new KvCommand.Compact(12, false));
        _kv.Do(new KvCommand.LeaseGrant(7, 60));
        _kv.Do(new KvCommand.Put(Bytes("leased"), Bytes("x")) { Lease = 7 });
        _kv.Do(new KvCommand.UserAdd("root", Encoding.ASCII.GetBytes("h"), HasPassword: true));
        _kv.Do(new KvCommand.RoleAdd("r"));
        _kv.Do(new KvCommand.MemberSeed([new MemberRecord(5, "n", ["a"], []), new MemberRecord(6, "m", ["b"], [])]));
        _kv.Do(new KvCommand.MemberRemove(6, KvRefusal.None));
        _kv.Do(new KvCommand.KeyspaceCreate("team", 0));
        _kv.Do(new KvCommand.Alarm(true, 5, KvAlarmType.NoSpace));
        Begin();
    }
}
