using System.Diagnostics;
using Quorate.Node.Loop;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class TickClockTests
{
    private long _now = 1000;

    [Fact]
    public void Ticks_are_due_one_by_one_and_late_ones_are_made_up_for()
    {
        var clock = new TickClock(milliseconds: 10, now: () => _now);
        Assert.Equal(0, clock.TakeDue());
        Assert.Equal(10, clock.MillisecondsLeft());
        Pass(10);
        Assert.Equal(0, clock.MillisecondsLeft());
        Assert.Equal(1, clock.TakeDue());
        Pass(35);
        Assert.Equal(3, clock.TakeDue());
        Pass(5);
        Assert.Equal(1, clock.TakeDue());
        Assert.Equal(0, clock.Skipped);
    }

    [Fact]
    public void After_a_pause_most_ticks_are_skipped()
    {
        var clock = new TickClock(milliseconds: 10, now: () => _now);
        Pass(60_000);
        Assert.Equal(TickClock.DefaultMostAtOnce, clock.TakeDue());
        Assert.Equal(0, clock.TakeDue());
        Assert.Equal(6000 - TickClock.DefaultMostAtOnce, clock.Skipped);
    }

    [Fact]
    public void Waiting_for_less_than_a_millisecond_still_waits()
    {
        var clock = new TickClock(milliseconds: 10, now: () => _now);
        Pass(10);
        _now--;
        Assert.Equal(1, clock.MillisecondsLeft());
        Assert.Equal(0, clock.TakeDue());
    }

    private void Pass(long milliseconds) => _now += milliseconds * Stopwatch.Frequency / 1000;
}
