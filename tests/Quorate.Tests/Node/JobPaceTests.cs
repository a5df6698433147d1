using Quorate.Node.Loop;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class JobPaceTests
{
    private static readonly TimeSpan Target = TimeSpan.FromMilliseconds(10);

    // Goal: merges give way while requests find the disk slow, and take more again when it is quick.
    [Fact]
    public void The_pace_follows_the_latency_of_requests()
    {
        var tuner = new PaceTuner(Target);
        long first = tuner.Next(new(Pressure: 0, Syncs: 10, MeanSync: Target * 2));
        long slower = tuner.Next(new(0, 10, Target * 2));
        Assert.True(slower < first, $"{first}, then {slower}");
        for (int i = 0; i < 100; i++) { slower = tuner.Next(new(0, 10, Target * 2)); }
        Assert.Equal(PaceTuner.LeastBytes, slower);
        Assert.True(tuner.Next(new(0, 10, Target / 2)) > slower);
        long fastest = 0;
        for (int i = 0; i < 1000; i++) { fastest = tuner.Next(new(0, 10, Target / 2)); }
        Assert.Equal(PaceTuner.MostBytes, fastest);
    }

    // Goal: the further merges are behind, the more they get whatever the latency; and all before writers are slowed.
    [Fact]
    public void Merges_that_are_behind_get_more_whatever_the_latency()
    {
        var tuner = new PaceTuner(Target);
        long before = 0;
        foreach (int pressure in new[] { 0, 100, 300, 499 })
        {
            long rate = 0;
            for (int i = 0; i < 100; i++) { rate = tuner.Next(new(pressure, 10, Target * 5)); }
            Assert.True(rate > before, $"{rate} at pressure {pressure}, {before} at less");
            before = rate;
        }

        Assert.Equal(PaceTuner.Unlimited, tuner.Next(new(500, 10, Target * 5)));
        Assert.Equal(PaceTuner.Unlimited, tuner.Next(new(0, Syncs: 0, TimeSpan.Zero)));
    }

    // Goal: a flush does not wait behind merges, however many there are: one thread is always left for it.
    [Fact]
    public void Merges_leave_a_thread_for_other_jobs()
    {
        using var pace = new JobPace(TimeSpan.Zero, new LatencyCounter(), static () => 0);
        using var release = new ManualResetEventSlim();
        using var flushed = new ManualResetEventSlim();
        using var merged = new CountdownEvent(3);
        var jobs = new JobThreads(
            2,
            (job, failure) =>
            {
                if (failure is null && job.IsMerge) { merged.Signal(); }
            },
            pace);
        jobs.Start();
        for (int i = 0; i < 3; i++) { jobs.Post(new Job(true, release.Wait)); }
        jobs.Post(new Job(false, flushed.Set));
        Assert.True(flushed.Wait(TimeSpan.FromSeconds(60)), "the flush waits for the merges");
        Assert.Equal(3, merged.CurrentCount);
        release.Set();
        Assert.True(merged.Wait(TimeSpan.FromSeconds(60)), "merges were left over");
        Assert.True(jobs.Stop(TimeSpan.FromSeconds(60)));
    }

    // Goal: the last merge of a node that stops is not held up.
    [Fact]
    public void Nobody_waits_for_a_pace_that_has_ended()
    {
        var pace = new JobPace(Target, new LatencyCounter(), static () => 0);
        pace.Dispose();
        pace.Run(() =>
        {
            Assert.Same(pace, JobPace.Current);
            for (int i = 0; i < 1000; i++) { JobPace.Current!.Take(int.MaxValue); }
        });
        Assert.Null(JobPace.Current);
    }

    private sealed class Job(bool isMerge, Action run) : NodeJob
    {
        public override string Name => "test";

        public override bool IsMerge => isMerge;

        public override void Run() => run();
    }
}
