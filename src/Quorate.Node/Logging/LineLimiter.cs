using System.Diagnostics;

namespace Quorate.Node.Logging;

/// <summary>Lets one line per key and interval through, for lines that a remote side can cause. Any thread.</summary>
public sealed class LineLimiter
{
    // Keys are ours (an event and a configured peer), never remote text; the bound only guards against a mistake.
    private const int MostKeys = 1000;

    private readonly Lock _gate = new();
    private readonly TimeSpan _interval;
    private readonly Dictionary<string, (long LastWritten, long Suppressed)> _lines = [];

    /// <summary>Creates a limiter.</summary>
    /// <param name="interval">Least time between two lines of a key.</param>
    public LineLimiter(TimeSpan interval) => _interval = interval;

    /// <summary>True if a line of this key may be written now.</summary>
    /// <param name="key">Event and subject.</param>
    /// <param name="suppressed">Lines of this key that were held back since the last one.</param>
    public bool MayWrite(string key, out long suppressed)
    {
        long now = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            bool known = _lines.TryGetValue(key, out (long LastWritten, long Suppressed) line);
            suppressed = line.Suppressed;
            if (known && Stopwatch.GetElapsedTime(line.LastWritten, now) < _interval)
            {
                _lines[key] = (line.LastWritten, line.Suppressed + 1);
                return false;
            }

            if (!known && _lines.Count >= MostKeys) { _lines.Clear(); }
            _lines[key] = (now, 0);
            return true;
        }
    }
}
