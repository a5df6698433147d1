using System.Globalization;
using System.Runtime.CompilerServices;

namespace Quorate.Simulation;

/// <summary>
/// Writes what happens in a run as text: one event a line, with the simulated second and the node. Two runs of the same plan write
/// the same lines. It only looks; a run with a trace is the same run as one without.
/// </summary>
/// <param name="output">Where to.</param>
public sealed class SimTrace(TextWriter output)
{
    internal void Write(long micros, int node, string text) => output.Write(
        node < 0
            ? string.Create(CultureInfo.InvariantCulture, $"{micros / 1e6,12:0.000000} -  {text}\n")
            : string.Create(CultureInfo.InvariantCulture, $"{micros / 1e6,12:0.000000} n{node + 1} {text}\n"));

    /// <summary>A line that belongs to no moment: what the run is made of, and what it came to.</summary>
    internal void WriteHeading(string text) => output.Write($"# {text}\n");
}

/// <summary>The words of a trace line. If nobody traces, what is in the braces is never evaluated.</summary>
[InterpolatedStringHandler]
internal ref struct TraceText
{
    private DefaultInterpolatedStringHandler _text;

    public TraceText(int literalLength, int formattedCount, SimCluster cluster, out bool isTraced)
    {
        isTraced = cluster.IsTraced;
        if (isTraced) { _text = new(literalLength, formattedCount, CultureInfo.InvariantCulture); }
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public string ToStringAndClear() => _text.ToStringAndClear();
}
