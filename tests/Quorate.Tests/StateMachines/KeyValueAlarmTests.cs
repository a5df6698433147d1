// Goal: what an alarm forbids and what it leaves, as in etcd; that it is state like any other.
using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;
using static Quorate.Tests.StateMachines.KeyValueHarness;

namespace Quorate.Tests.StateMachines;

public class KeyValueAlarmTests
{
    private readonly KeyValueHarness _kv = new();

    [Fact]
    public void Over_quota_nothing_grows_and_all_that_gives_back_space_goes_on()
    {
        _kv.Do(Put("a", "1"));
        _kv.Do(new KvCommand.LeaseGrant(7, 60));
        Assert.Equal("alarms [5:NoSpace]@2", _kv.Do(Raise(5, KvAlarmType.NoSpace)));
        Assert.Equal("NoSpace@2", _kv.Do(Put("a", "2")));
        Assert.Equal("NoSpace@2", _kv.Do(Put("")));
        Assert.Equal("NoSpace@2", _kv.Do(new KvCommand.LeaseGrant(8, 60)));
        Assert.Equal("NoSpace@2", _kv.Do(All(Put("b"))));
        Assert.Equal("NoSpace@2", _kv.Do(If([], [Delete("a")], [All(Put("b"))]))); // In a branch that is not taken, at any depth.
        Assert.Equal("then@3[deleted 1@3; 0@3]", _kv.Do(All(Delete("a"), Get("a"))));
        Assert.Equal("deleted 0@3", _kv.Do(Delete("a")));
        Assert.Equal("compacted@3", _kv.Do(new KvCommand.Compact(3, false)));
        Assert.Equal("renewed for 60 s@3", _kv.Do(new KvCommand.LeaseRenew(7)));
        Assert.Equal("revoked@3", _kv.Do(new KvCommand.LeaseRevoke(7)));
    }

    [Fact]
    public void Of_a_corrupt_cluster_only_reads_and_renewals_go_on()
    {
        _kv.Do(new KvCommand.LeaseGrant(7, 60));
        _kv.Do(Raise(5, KvAlarmType.Corrupt));
        _kv.Do(Raise(5, KvAlarmType.NoSpace));
        KvCommand[] refused =
        [
            Put("a"), Delete("a"), All(Delete("a")), All(Get("a")), new KvCommand.Compact(1, false), new KvCommand.LeaseGrant(8, 60),
            new KvCommand.LeaseRevoke(7),
        ];
        Assert.All(refused, command => Assert.Equal("Corrupt@1", _kv.Do(command)));
        Assert.Equal("0@1", _kv.Do(Get("a")));
        Assert.Equal("renewed for 60 s@1", _kv.Do(new KvCommand.LeaseRenew(7)));
    }

    [Fact]
    public void An_alarm_of_any_member_counts_until_each_is_cleared()
    {
        _kv.Do(Raise(5, KvAlarmType.NoSpace));
        Assert.Equal("alarms [5:NoSpace]@1", _kv.Do(Raise(5, KvAlarmType.NoSpace)));
        _kv.Do(Raise(ulong.MaxValue, KvAlarmType.NoSpace));
        Assert.Equal([new(5, KvAlarmType.NoSpace), new(ulong.MaxValue, KvAlarmType.NoSpace)], KvQueries.Alarms(_kv.Writer));
        Assert.Equal("alarms []@1", _kv.Do(Clear(6, KvAlarmType.NoSpace)));
        Assert.Equal("alarms []@1", _kv.Do(Clear(0, KvAlarmType.None)));
        Assert.Equal("alarms [5:NoSpace]@1", _kv.Do(Clear(5, KvAlarmType.NoSpace)));
        Assert.Equal("NoSpace@1", _kv.Do(Put("a")));
        _kv.Do(Clear(ulong.MaxValue, KvAlarmType.NoSpace));
        Assert.Equal("put@2", _kv.Do(Put("a")));
    }

    // A kind that this version does not know must not become state that no version can clear.
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(-1)]
    public void An_alarm_about_nothing_known_changes_nothing(int type)
    {
        ulong before = _kv.Hash;
        Assert.Equal("alarms []@1", _kv.Do(Raise(5, (KvAlarmType)type)));
        Assert.Equal(before, _kv.Hash);
    }

    [Fact]
    public void Alarms_are_in_the_store_and_in_its_hash()
    {
        ulong before = _kv.Hash;
        _kv.Do(Raise(5, KvAlarmType.NoSpace));
        Assert.NotEqual(before, _kv.Hash);
        Assert.True(_kv.Writer.TryGet(Convert.FromHexString("0B010000000000000005"), out ReadOnlySpan<byte> value));
        Assert.Equal("01", Convert.ToHexString(value));
        _kv.Machine.Open(_kv.Writer); // As after a restart.
        Assert.Equal("NoSpace@1", _kv.Do(Put("a")));
        _kv.Do(Clear(5, KvAlarmType.NoSpace));
        Assert.Equal(before, _kv.Hash);
    }

    // Goal: on a nearly full disk everything is taken that gives back space, transactions that only delete too.
    [Fact]
    public void What_frees_space_is_urgent()
    {
        Assert.Equal(CommandUrgency.FreesSpace, UrgencyOf(All(Delete("a"))));
        Assert.Equal(CommandUrgency.FreesSpace, UrgencyOf(If([], [All(Delete("a"))], [Get("b")])));
        Assert.Equal(CommandUrgency.FreesSpace, UrgencyOf(Clear(5, KvAlarmType.NoSpace)));
        Assert.Equal(CommandUrgency.Ordinary, UrgencyOf(If([], [Delete("a")], [All(Put("b"))])));
        Assert.Equal(CommandUrgency.Ordinary, _kv.Machine.UrgencyOf([1, 4, 0xFF]));
    }

    private CommandUrgency UrgencyOf(KvCommand command)
    {
        var payload = new ByteWriter();
        command.Encode(payload);
        return _kv.Machine.UrgencyOf(payload.Written);
    }

    private static KvCommand.Alarm Raise(ulong member, KvAlarmType type) => new(Raise: true, member, type);

    private static KvCommand.Alarm Clear(ulong member, KvAlarmType type) => new(Raise: false, member, type);
}
