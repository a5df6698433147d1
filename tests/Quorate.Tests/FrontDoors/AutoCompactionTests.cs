using Quorate.FrontDoors.Etcd;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>etcd's two rules of automatic compaction, by looks at an invented clock.</summary>
public sealed class AutoCompactionTests
{
    // Goal: by time, what was current a whole retention ago is compacted, once per retention and never earlier.
    [Fact]
    public void By_time_keeps_what_changed_within_the_retention()
    {
        var rule = new AutoCompaction(TimeSpan.FromMinutes(10), 0);
        Assert.Equal(TimeSpan.FromMinutes(1), rule.Interval);
        var compacted = new List<(int Minute, long Revision)>();
        for (int minute = 0; minute <= 40; minute++)
        {
            TimeSpan now = TimeSpan.FromMinutes(minute);
            if (rule.Look(now, current: 100 + minute, isLeader: true) is { } revision)
            {
                compacted.Add((minute, revision));
                rule.Done(now, revision);
            }
        }

        Assert.Equal([(10, 100), (20, 110), (30, 120), (40, 130)], compacted);
    }

    // Goal: a retention of more than an hour is looked at every six minutes and compacted every hour (etcd).
    [Fact]
    public void A_long_retention_is_compacted_every_hour()
    {
        var rule = new AutoCompaction(TimeSpan.FromHours(3), 0);
        Assert.Equal(TimeSpan.FromMinutes(6), rule.Interval);
        var compacted = new List<(int Minute, long Revision)>();
        for (int minute = 0; minute <= 300; minute += 6)
        {
            TimeSpan now = TimeSpan.FromMinutes(minute);
            if (rule.Look(now, current: 1 + minute, isLeader: true) is { } revision)
            {
                compacted.Add((minute, revision));
                rule.Done(now, revision);
            }
        }

        Assert.Equal([(180, 1), (240, 61), (300, 121)], compacted);
    }

    // Goal: who does not lead only watches, and can go on at once when it leads; a compaction that failed is tried again at the next look.
    [Fact]
    public void Only_a_leader_compacts_and_a_failure_is_repeated()
    {
        var rule = new AutoCompaction(TimeSpan.FromMinutes(10), 0);
        for (int minute = 0; minute < 25; minute++) { Assert.Null(rule.Look(TimeSpan.FromMinutes(minute), 100 + minute, isLeader: false)); }
        Assert.Equal(115, rule.Look(TimeSpan.FromMinutes(25), 125, isLeader: true));
        Assert.Equal(116, rule.Look(TimeSpan.FromMinutes(26), 126, isLeader: true));
    }

    [Fact]
    public void By_number_keeps_so_many_revisions()
    {
        var rule = new AutoCompaction(TimeSpan.Zero, 1000);
        Assert.Equal(TimeSpan.FromMinutes(5), rule.Interval);
        Assert.Null(rule.Look(TimeSpan.Zero, 1000, isLeader: true));
        Assert.Null(rule.Look(TimeSpan.Zero, 5000, isLeader: false));
        Assert.Equal(4000, rule.Look(TimeSpan.FromMinutes(5), 5000, isLeader: true));
        rule.Done(TimeSpan.FromMinutes(5), 4000);
        Assert.Null(rule.Look(TimeSpan.FromMinutes(10), 5000, isLeader: true));
        Assert.Equal(4001, rule.Look(TimeSpan.FromMinutes(15), 5001, isLeader: true));
    }

    // Goal: a store that nobody writes to is not compacted again and again.
    [Fact]
    public void What_is_compacted_already_is_left_alone()
    {
        var rule = new AutoCompaction(TimeSpan.FromMinutes(10), 0);
        int compactions = 0;
        for (int minute = 0; minute <= 60; minute++)
        {
            if (rule.Look(TimeSpan.FromMinutes(minute), 7, isLeader: true) is not { } revision) { continue; }
            compactions++;
            rule.Done(TimeSpan.FromMinutes(minute), revision);
        }

        Assert.Equal(1, compactions);
    }
}
