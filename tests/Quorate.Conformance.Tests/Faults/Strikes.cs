using System.Collections.Immutable;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>When which fault had an effect that somebody has seen. A fault that was only chosen is not in here. Any thread.</summary>
internal sealed class Strikes(RunClock clock)
{
    /// <summary>The catalogue's row for several faults at once.</summary>
    public const string Several = "X1";

    private readonly Lock _lock = new();
    private readonly List<Strike> _all = [];

    /// <summary>Now, in microseconds of the run.</summary>
    public long Now => clock.Micros;

    /// <summary>A fault was in force from then until now.</summary>
    public void Add(string row, long from)
    {
        lock (_lock) { _all.Add(new Strike(row, from, Now)); }
    }

    /// <summary>How often a fault struck.</summary>
    public int CountOf(string row)
    {
        lock (_lock) { return _all.Count(strike => strike.Row == row); }
    }

    /// <summary>How often each fault struck; X1 is how often two different ones were in force at the same time.</summary>
    public ImmutableSortedDictionary<string, int> Count()
    {
        lock (_lock)
        {
            int several = _all.Select((one, i) => _all.Skip(i + 1).Count(other => other.IsTogetherWith(one))).Sum();
            return _all
                .GroupBy(strike => strike.Row)
                .Select(row => KeyValuePair.Create(row.Key, row.Count()))
                .Concat(several > 0 ? [KeyValuePair.Create(Several, several)] : [])
                .ToImmutableSortedDictionary(StringComparer.Ordinal);
        }
    }

    private sealed record Strike(string Row, long From, long To)
    {
        public bool IsTogetherWith(Strike other) => Row != other.Row && From < other.To && other.From < To;
    }
}
