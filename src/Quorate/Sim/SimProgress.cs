using System.Diagnostics;
using System.Globalization;
using Quorate.Simulation;

namespace Quorate.Sim;

/// <summary>How far a sweep has come: a bar that is rewritten in place on a terminal, else a line now and then.</summary>
internal sealed class SimProgress
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(200);
    private const int BarCells = 30;

    private readonly TextWriter _error;
    private readonly bool _isTerminal;
    private readonly ulong? _seeds;
    private readonly TimeSpan? _within;
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _shownAt;
    private bool _isShown;

    /// <summary>Creates the progress of a sweep.</summary>
    /// <param name="error">Where to write: stdout is for the verdict.</param>
    /// <param name="seeds">How many seeds, if that ends it.</param>
    /// <param name="within">How long, if that ends it.</param>
    public SimProgress(TextWriter error, ulong? seeds, TimeSpan? within)
    {
        _error = error;
        _isTerminal = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
        _seeds = seeds;
        _within = within;
    }

    /// <summary>Real time so far.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>Shows the sums so far, if it is time to.</summary>
    public void Show(SimTotals totals)
    {
        TimeSpan now = Elapsed;
        if (now - _shownAt < (_isTerminal ? BarInterval : PlainInterval)) { return; }
        _shownAt = now;
        double share = Math.Clamp(Math.Max(totals.Runs / (double?)_seeds ?? 0, now / _within ?? 0), 0, 1);
        string ofAll = _seeds is { } all ? $"/{all}" : "";
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{totals.Runs}{ofAll} seeds, {totals.Simulated.TotalHours:0.0} simulated hours, {totals.Failures} failures, {now.TotalSeconds:0} s");
        if (!_isTerminal)
        {
            _error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{share * 100:0} %: {text}"));
            return;
        }

        int full = (int)(share * BarCells);
        _error.Write($"\r\x1b[2K[{new string('#', full)}{new string('.', BarCells - full)}] {text}");
        _error.Flush();
        _isShown = true;
    }

    /// <summary>Takes the bar away, for a line that stays.</summary>
    public void Clear()
    {
        if (_isShown) { _error.Write("\r\x1b[2K"); }
        _isShown = false;
    }
}
