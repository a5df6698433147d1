using System.Globalization;
using System.Text;

namespace Quorate.Simulation.Checkers;

/// <summary>One operation in a diagram.</summary>
/// <param name="Row">Who: "process 3".</param>
/// <param name="Label">What was asked and answered: "read: 5".</param>
/// <param name="From">When it was asked, in microseconds.</param>
/// <param name="To">When the answer came; <see cref="long.MaxValue"/> if none tells whether it happened.</param>
/// <param name="Line">Where it was asked in the file; 0 if it is not from one.</param>
public sealed record DiagramBar(string Row, string Label, long From, long To, int Line)
{
    /// <summary>The bar of an operation.</summary>
    public static DiagramBar Of(HistoryOperation operation, string label) =>
        new($"process {operation.Process}", label, operation.Invoked, operation.Returned, operation.Invoke.Line);
}

/// <summary>
/// A few operations as bars over time, one row for each process. The order of all beginnings and ends is exact, the distances are not:
/// what counts is who had ended before whom began.
/// </summary>
public static class TimeDiagram
{
    private const int MostFaults = 8;

    /// <summary>Draws the bars, then lists them with times and lines.</summary>
    /// <param name="bars">At most 26 look well; more are listed without a picture.</param>
    /// <param name="faults">Those between the first and the last bar are shown.</param>
    /// <param name="width">Columns of the picture; what does not fit is shortened, down to one letter a bar.</param>
    /// <returns>Lines that end in line feeds.</returns>
    public static string Draw(IReadOnlyList<DiagramBar> bars, IEnumerable<HistoryEvent> faults, int width)
    {
        DiagramBar[] sorted = [.. bars.OrderBy(bar => bar.From).ThenBy(bar => bar.To)];
        if (sorted.Length == 0) { return ""; }
        long first = sorted[0].From;
        long last = sorted.Max(bar => bar.To == long.MaxValue ? bar.From : bar.To);
        HistoryEvent[] meanwhile = [.. faults.Where(f => f.Time >= first && f.Time <= last).OrderBy(f => f.Time)];
        var text = new StringBuilder();
        if (sorted.Length <= 26) { Picture(text, sorted, meanwhile, width); }
        Legend(text, sorted, meanwhile);
        return text.ToString();
    }

    private static void Picture(StringBuilder text, DiagramBar[] bars, HistoryEvent[] faults, int width)
    {
        string[] rows = [.. bars.Select(bar => bar.Row).Distinct().OrderBy(row => row.Length).ThenBy(row => row, StringComparer.Ordinal)];
        int margin = rows.Max(row => row.Length) + 2;
        SortedDictionary<long, int> columns = [];
        string[] labels = [];
        for (int style = 0; style <= 2; style++)
        {
            labels = [.. bars.Select((bar, i) => Label(bar, i, style))];
            columns = Columns(bars, labels, faults, gap: style == 2 ? 1 : 2);
            if (margin + columns.Values.Max() + 6 <= width) { break; }
        }

        int end = columns.Values.Max() + 4;
        foreach (string row in rows)
        {
            char[] line = new string(' ', end + 1).ToCharArray();
            for (int i = 0; i < bars.Length; i++)
            {
                if (bars[i].Row != row) { continue; }
                bool isOpen = bars[i].To == long.MaxValue;
                int from = columns[bars[i].From];
                int to = isOpen ? end : columns[bars[i].To];
                line.AsSpan(from, to - from + 1).Fill(isOpen ? '.' : '-');
                line[from] = '|';
                line[to] = isOpen ? '?' : '|';
                labels[i].AsSpan(0, Math.Min(labels[i].Length, Math.Max(0, to - from - 1))).CopyTo(line.AsSpan(from + 1));
            }

            text.Append("  ").Append(row.PadRight(margin)).AppendLine(new string(line).TrimEnd());
        }

        if (faults.Length == 0) { return; }
        char[] marks = new string(' ', end + 1).ToCharArray();
        foreach (HistoryEvent fault in faults.Take(MostFaults)) { marks[columns[fault.Time]] = '^'; }
        text.Append("  ").Append("faults".PadRight(margin)).AppendLine(new string(marks).TrimEnd());
    }

    // Style 0 writes the whole label into the bar, 1 cuts it at twelve characters, 2 leaves only the letter of the list below.
    private static string Label(DiagramBar bar, int i, int style)
    {
        string letter = ((char)('a' + i)).ToString();
        return style == 2 ? letter : style == 1 && bar.Label.Length > 12 ? $"{letter} {bar.Label[..11]}~" : $"{letter} {bar.Label}";
    }

    // Every distinct time has a column; a bar is at least as long as its label. Equal times are concurrent, so a return goes after a call.
    private static SortedDictionary<long, int> Columns(DiagramBar[] bars, string[] labels, HistoryEvent[] faults, int gap)
    {
        var times = new SortedSet<long>(bars.Select(bar => bar.From));
        times.UnionWith(bars.Where(bar => bar.To != long.MaxValue).Select(bar => bar.To));
        times.UnionWith(faults.Take(MostFaults).Select(f => f.Time));
        var columns = new SortedDictionary<long, int>();
        int next = 0;
        foreach (long time in times)
        {
            int column = next;
            for (int i = 0; i < bars.Length; i++)
            {
                if (bars[i].To == time && bars[i].From < time) { column = Math.Max(column, columns[bars[i].From] + labels[i].Length + 1); }

                // The next bar of a row must not begin before an open one's label ends.
                if (bars[i].To == long.MaxValue && bars[i].From < time && time == times.Max) { column = Math.Max(column, columns[bars[i].From] + labels[i].Length - 3); }
            }

            columns.Add(time, column);
            next = column + gap;
        }

        return columns;
    }

    private static void Legend(StringBuilder text, DiagramBar[] bars, HistoryEvent[] faults)
    {
        text.AppendLine();
        for (int i = 0; i < bars.Length; i++)
        {
            DiagramBar bar = bars[i];
            string letter = bars.Length <= 26 ? $"{(char)('a' + i)}  " : "";
            string until = bar.To == long.MaxValue ? "no answer" : string.Create(CultureInfo.InvariantCulture, $"{bar.To} us");
            string line = bar.Line > 0 ? $", line {bar.Line}" : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"  {letter}{bar.Row} {bar.Label}  ({bar.From} us to {until}{line})");
        }

        foreach (HistoryEvent fault in faults.Take(MostFaults))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  ^  {fault.Function} {Values.TextOf(fault.Value)}  ({fault.Time} us)");
        }

        if (faults.Length > MostFaults) { text.AppendLine(CultureInfo.InvariantCulture, $"  and {faults.Length - MostFaults} more faults"); }
    }
}
