namespace Quorate.Simulation;

/// <summary>
/// Which faults struck, by row of the catalogue; and when several were in force at once: one strikes while another, of another kind, has
/// not ended, or has struck within the last five simulated seconds.
/// </summary>
internal sealed class StruckFaults
{
    // A cluster needs about as long to get over what has ended.
    private const long AftermathMicros = 5_000_000;

    private readonly SortedDictionary<string, long> _until = new(StringComparer.Ordinal); // By kind.
    private long _severalUntil;

    /// <summary>Times that each row struck.</summary>
    public SortedDictionary<string, int> Times { get; } = new(StringComparer.Ordinal);

    /// <summary>A fault strikes. True if it makes several at once, which counts once in five seconds.</summary>
    /// <param name="row">Its row.</param>
    /// <param name="now">Simulated microseconds.</param>
    /// <param name="forMicros">How long it lasts, if that is known by now.</param>
    public bool Add(string row, long now, long forMicros)
    {
        Times[row] = Times.GetValueOrDefault(row) + 1;
        if (KindOf(row) is not { } kind) { return false; }
        bool areSeveral = _until.Any(other => other.Key != kind && other.Value >= now);
        _until[kind] = Math.Max(_until.GetValueOrDefault(kind), now + Math.Max(forMicros, AftermathMicros));
        if (!areSeveral || now < _severalUntil) { return false; }
        _severalUntil = now + AftermathMicros;
        return true;
    }

    /// <summary>True if any fault is in force.</summary>
    public bool IsAnyInForce(long now) => _until.Values.Any(until => until >= now);

    // Rows that one cause strikes by together are of one kind: what a power cut takes is no second fault. Null: by itself it is none.
    private static string? KindOf(string row) => row switch
    {
        "P1" or "P2" or "P3" or "P5" or "D1" or "D2" or "D3" or "D4" or "N13" => "crash",
        "P4" or "C3" => "pause",
        "N6" or "N7" or "N8" => "frames",
        "O7" or "X1" => null,
        _ => row,
    };
}
