using Quorate.Core;

namespace Quorate.Simulation.Disk;

/// <summary>A file's bytes as readers see them and as a crash leaves them, with the sectors in which a crash has a choice.</summary>
/// <remarks>
/// Pages are shared between the two states until they are written again, and pages of zeros are null, so that a large
/// zero-filled file costs nothing.
/// </remarks>
internal sealed class SimFileNode : SimNode
{
    private const int PageBytes = 4096;
    private const int SectorBytes = 512;

    private readonly SortedDictionary<int, byte> _pending = []; // Page number -> one bit for each of its eight sectors.
    private List<byte[]?> _now = [];
    private List<byte[]?> _durable = [];
    private long _durableLength;

    public long Length { get; private set; }

    public int Read(long offset, Span<byte> buffer)
    {
        int count = (int)Math.Clamp(Length - offset, 0, buffer.Length);
        for (int done = 0; done < count;)
        {
            int at = (int)((offset + done) % PageBytes);
            int part = Math.Min(PageBytes - at, count - done);
            Span<byte> target = buffer.Slice(done, part);
            if (PageOf(_now, (int)((offset + done) / PageBytes)) is { } page) { page.AsSpan(at, part).CopyTo(target); }
            else { target.Clear(); }
            done += part;
        }

        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Length = Math.Max(Length, offset + bytes.Length);
        Resize(_now, Length);
        while (!bytes.IsEmpty)
        {
            int number = (int)(offset / PageBytes);
            int at = (int)(offset % PageBytes);
            int part = Math.Min(PageBytes - at, bytes.Length);
            if (part == PageBytes && !bytes[..part].ContainsAnyExcept((byte)0)) { _now[number] = null; }
            else { bytes[..part].CopyTo(OwnPage(number).AsSpan(at)); }
            MarkPending(number, at, part);
            offset += part;
            bytes = bytes[part..];
        }
    }

    public void SetLength(long length)
    {
        long old = Length;
        if (length < old)
        {
            int at = (int)(length % PageBytes);
            int number = (int)(length / PageBytes);
            if (at != 0 && _now[number] is not null) { OwnPage(number).AsSpan(at).Clear(); }
            for (long offset = length; offset < old; offset += PageBytes - (offset % PageBytes))
            {
                MarkPending((int)(offset / PageBytes), (int)(offset % PageBytes), PageBytes - (int)(offset % PageBytes));
            }
        }

        Length = length;
        Resize(_now, length);
    }

    public void Sync()
    {
        Resize(_durable, Length);
        foreach (int number in _pending.Keys)
        {
            if (number < _durable.Count) { _durable[number] = _now[number]; }
        }

        _durableLength = Length;
        _pending.Clear();
    }

    /// <summary>After a failed sync: readers still see the bytes, but no later sync will write them.</summary>
    public void ForgetPending() => _pending.Clear();

    // Adds what it did to the report.
    public SimCrashReport Crash(Prng random, SimCrash outcome, SimCrashReport report)
    {
        long length = CrashLength(random, outcome);
        List<byte[]?> left = [.. _durable];
        Resize(left, length);
        foreach ((int number, byte sectors) in _pending)
        {
            for (int sector = 0; sector < PageBytes / SectorBytes; sector++)
            {
                bool inside = ((long)number * PageBytes) + (sector * SectorBytes) < length;
                if ((sectors & (1 << sector)) == 0) { continue; }
                SectorFate fate = inside ? CrashSector(random, outcome, left, number, sector * SectorBytes) : SectorFate.Lost;
                report = fate switch
                {
                    SectorFate.Kept => report with { KeptSectors = report.KeptSectors + 1 },
                    SectorFate.Torn => report with { TornSectors = report.TornSectors + 1 },
                    _ => report with { LostSectors = report.LostSectors + 1 },
                };
            }
        }

        int tail = (int)(length % PageBytes);
        if (tail != 0 && left[^1] is { } last)
        {
            left[^1] = [.. last];
            left[^1].AsSpan(tail).Clear();
        }

        _pending.Clear();
        _durable = left;
        _now = [.. left];
        Length = _durableLength = length;
        return report;
    }

    public void Flip(long bit)
    {
        Invariant.Holds(bit / 8 < Length, $"bit {bit} of a file of {Length} bytes");
        int number = (int)(bit / 8 / PageBytes);
        bool shared = PageOf(_durable, number) == _now[number];
        FlipIn(_now, number, bit);
        if (shared && number < _durable.Count) { _durable[number] = _now[number]; }
        else if (bit / 8 < _durableLength) { FlipIn(_durable, number, bit); }
    }

    public override SimNode Copy(Dictionary<SimNode, SimNode> copies)
    {
        if (copies.TryGetValue(this, out SimNode? done)) { return done; }
        var copy = new SimFileNode { Length = Length, _durableLength = _durableLength };
        copies.Add(this, copy);
        copy._durable = [.. _durable.Select(page => page is null ? null : (byte[])page.Clone())];
        for (int i = 0; i < _now.Count; i++)
        {
            bool shared = _now[i] == PageOf(_durable, i);
            copy._now.Add(shared ? PageOf(copy._durable, i) : (byte[]?)_now[i]?.Clone());
        }

        foreach ((int number, byte sectors) in _pending) { copy._pending.Add(number, sectors); }
        return copy;
    }

    private static byte[]? PageOf(List<byte[]?> pages, int number) => number < pages.Count ? pages[number] : null;

    private static void FlipIn(List<byte[]?> pages, int number, long bit)
    {
        byte[] page = pages[number] is { } old ? [.. old] : new byte[PageBytes];
        page[bit / 8 % PageBytes] ^= (byte)(1 << (int)(bit % 8));
        pages[number] = page;
    }

    private static void Resize(List<byte[]?> pages, long length)
    {
        int count = (int)((length + PageBytes - 1) / PageBytes);
        if (pages.Count > count) { pages.RemoveRange(count, pages.Count - count); }
        while (pages.Count < count) { pages.Add(null); }
    }

    // A page that only the readers' state uses.
    private byte[] OwnPage(int number)
    {
        byte[]? page = _now[number];
        if (page is null) { page = new byte[PageBytes]; }
        else if (page == PageOf(_durable, number)) { page = [.. page]; }
        _now[number] = page;
        return page;
    }

    private void MarkPending(int number, int at, int count)
    {
        int sectors = 0;
        for (int sector = at / SectorBytes; sector * SectorBytes < at + count; sector++) { sectors |= 1 << sector; }
        _pending[number] = (byte)(_pending.GetValueOrDefault(number) | sectors);
    }

    private long CrashLength(Prng random, SimCrash outcome)
    {
        if (Length == _durableLength || outcome.KeepPercent >= 100) { return Length; }
        if (outcome.KeepPercent <= 0 && outcome.TearPercent <= 0) { return _durableLength; }
        if (SimDisk.Roll(random, outcome.KeepPercent)) { return Length; }
        if (Length < _durableLength || !random.Chance(1, 2)) { return _durableLength; }
        long between = random.Between(_durableLength, Length);
        return Math.Max(_durableLength, between - (between % SectorBytes));
    }

    private static SectorFate FateOf(Prng random, SimCrash outcome)
    {
        if (SimDisk.Roll(random, outcome.KeepPercent)) { return SectorFate.Kept; }
        bool isTorn = SimDisk.Roll(random, outcome.TearPercent * 100 / Math.Max(1, 100 - outcome.KeepPercent));
        return isTorn ? SectorFate.Torn : SectorFate.Lost;
    }

    private SectorFate CrashSector(Prng random, SimCrash outcome, List<byte[]?> left, int number, int at)
    {
        SectorFate fate = FateOf(random, outcome);
        if (fate == SectorFate.Lost) { return fate; }
        byte[] page = left[number] is { } old ? [.. old] : new byte[PageBytes];
        Span<byte> sector = page.AsSpan(at, SectorBytes);
        ReadOnlySpan<byte> written = PageOf(_now, number) is { } now ? now.AsSpan(at, SectorBytes) : new byte[SectorBytes];
        if (fate == SectorFate.Kept) { written.CopyTo(sector); }
        else if (random.Chance(1, 2)) { random.Fill(sector); }
        else { written[..random.Below(SectorBytes)].CopyTo(sector); }
        left[number] = page;
        return fate;
    }

    private enum SectorFate
    {
        Lost,
        Kept,
        Torn,
    }
}
