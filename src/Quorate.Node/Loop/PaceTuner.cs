namespace Quorate.Node.Loop;

/// <summary>What is known of the last period when the pace of merges is set anew.</summary>
/// <param name="Pressure">How far merges are behind, in thousandths of what refuses writes; of the shard that is worst off.</param>
/// <param name="Syncs">Syncs of the log in the period: requests that waited for the disk.</param>
/// <param name="MeanSync">How long one took.</param>
internal readonly record struct PaceSample(int Pressure, long Syncs, TimeSpan MeanSync);

/// <summary>
/// How many bytes a second merges may write. While requests find the disk quick it grows; while their syncs take longer than
/// the target it shrinks, but never below what the pressure asks for. Nobody waits for the disk, or merges are far behind: no limit.
/// </summary>
/// <remarks>Growing by steps and shrinking by a part finds a fair share, as TCP does (Chiu and Jain, 1989). No clock: the caller has the periods.</remarks>
internal sealed class PaceTuner(TimeSpan target)
{
    public const long Unlimited = long.MaxValue;
    public const long LeastBytes = 4L * 1024 * 1024;    // A second, at no pressure.
    public const long MostBytes = 1024L * 1024 * 1024;  // More than disks of today write.
    private const long StepBytes = 4L * 1024 * 1024;    // Each period.
    private const int UrgentPressure = 500;             // Writers are slowed from here on: worse for them than a slower disk.

    private long _rate = 64L * 1024 * 1024; // To begin with: about half of what one merge can do.

    public long Next(PaceSample sample)
    {
        if (sample.Pressure >= UrgentPressure) { return Unlimited; }
        if (sample.Syncs == 0) { return Unlimited; }
        long floor = LeastBytes + (LeastBytes * sample.Pressure / 25); // 20 times as much just before it is urgent.
        _rate = sample.MeanSync > target ? _rate - (_rate / 4) : _rate + StepBytes;
        _rate = Math.Clamp(_rate, floor, MostBytes);
        return _rate;
    }
}
