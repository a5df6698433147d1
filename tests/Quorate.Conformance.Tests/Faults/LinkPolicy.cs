namespace Quorate.Conformance.Tests.Faults;

/// <summary>What the hub does to the packets of one direction of one link.</summary>
internal sealed record LinkPolicy
{
    /// <summary>A link that works.</summary>
    public static LinkPolicy Clean { get; } = new();

    /// <summary>Nothing passes.</summary>
    public bool IsCut { get; init; }

    /// <summary>Packets lost, of a million.</summary>
    public int LossPpm { get; init; }

    /// <summary>Packets that arrive twice, of a million.</summary>
    public int DuplicatePpm { get; init; }

    /// <summary>Packets that wait up to 5 ms more while others overtake them, of a million.</summary>
    public int ReorderPpm { get; init; }

    /// <summary>Packets with which the link stands still for a second, of a million.</summary>
    public int StallPpm { get; init; }

    /// <summary>Packets of which one bit of the payload is turned, with a checksum that fits again, of a million.</summary>
    public int CorruptPpm { get; init; }

    /// <summary>Delay of each packet, in microseconds.</summary>
    public int DelayMicros { get; init; }

    /// <summary>Most that is added to the delay at random, in microseconds. Order is kept.</summary>
    public int JitterMicros { get; init; }

    /// <summary>Bytes per second; 0 for no bound.</summary>
    public int BytesPerSecond { get; init; }

    /// <summary>It holds packets back.</summary>
    public bool IsDelay => DelayMicros + JitterMicros + StallPpm > 0;

    /// <summary>Both at once: delays add up, and of the rest the worse counts.</summary>
    public LinkPolicy With(LinkPolicy other) => new()
    {
        IsCut = IsCut || other.IsCut,
        LossPpm = Math.Max(LossPpm, other.LossPpm),
        DuplicatePpm = Math.Max(DuplicatePpm, other.DuplicatePpm),
        ReorderPpm = Math.Max(ReorderPpm, other.ReorderPpm),
        StallPpm = Math.Max(StallPpm, other.StallPpm),
        CorruptPpm = Math.Max(CorruptPpm, other.CorruptPpm),
        DelayMicros = DelayMicros + other.DelayMicros,
        JitterMicros = JitterMicros + other.JitterMicros,
        BytesPerSecond = BytesPerSecond == 0 ? other.BytesPerSecond
            : other.BytesPerSecond == 0 ? BytesPerSecond
            : Math.Min(BytesPerSecond, other.BytesPerSecond),
    };

    /// <summary>What is not as on a link that works.</summary>
    public override string ToString() => string.Join(", ", Words());

    private IEnumerable<string> Words()
    {
        if (IsCut) { yield return "cut"; }
        if (LossPpm > 0) { yield return $"loss {LossPpm} ppm"; }
        if (DuplicatePpm > 0) { yield return $"duplicates {DuplicatePpm} ppm"; }
        if (ReorderPpm > 0) { yield return $"reorder {ReorderPpm} ppm"; }
        if (StallPpm > 0) { yield return $"stall {StallPpm} ppm"; }
        if (CorruptPpm > 0) { yield return $"corrupt {CorruptPpm} ppm"; }
        if (DelayMicros + JitterMicros > 0) { yield return $"delay {DelayMicros} + {JitterMicros} us"; }
        if (BytesPerSecond > 0) { yield return $"{BytesPerSecond} B/s"; }
    }
}
