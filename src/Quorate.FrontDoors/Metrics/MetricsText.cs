using System.Globalization;
using System.Text;

namespace Quorate.FrontDoors.Metrics;

/// <summary>Writes Prometheus' text format, version 0.0.4 (prometheus.io, "Exposition formats"). One thread, one page.</summary>
internal sealed class MetricsText
{
    /// <summary>What the page is.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new(16 * 1024);

    /// <summary>Begins a metric; its samples follow.</summary>
    /// <param name="name">With unit, and <c>_total</c> if it only grows.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    /// <param name="help">One sentence.</param>
    public void Begin(string name, string type, string help) =>
        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    /// <summary>A metric with one sample.</summary>
    public void One(string name, string type, string help, double value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        Begin(name, type, help);
        Sample(name, value, labels);
    }

    /// <summary>One value.</summary>
    public void Sample(string name, double value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        _text.Append(name);
        Labels(labels, null);
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    /// <summary>One histogram.</summary>
    /// <param name="name">Without suffix.</param>
    /// <param name="bounds">Upper bounds of the buckets but the last, which has none; ascending.</param>
    /// <param name="counts">What each bucket holds and no lower one does; one more than bounds.</param>
    /// <param name="sum">Sum of all values.</param>
    /// <param name="labels">Besides <c>le</c>.</param>
    public void Histogram(
        string name, ReadOnlySpan<double> bounds, ReadOnlySpan<long> counts, double sum, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        long total = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            total += counts[i];
            _text.Append(name).Append("_bucket");
            Labels(labels, i < bounds.Length ? Number(bounds[i]) : "+Inf");
            _text.Append(' ').Append(total).Append('\n');
        }

        Sample(name + "_sum", sum, labels);
        Sample(name + "_count", total, labels);
    }

    /// <summary>The page.</summary>
    public override string ToString() => _text.ToString();

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private void Labels(ReadOnlySpan<(string Name, string Value)> labels, string? bound)
    {
        if (labels.IsEmpty && bound is null) { return; }
        char before = '{';
        foreach ((string name, string value) in labels)
        {
            _text.Append(before).Append(name).Append("=\"")
                .Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                    .Replace("\n", "\\n", StringComparison.Ordinal))
                .Append('"');
            before = ',';
        }

        if (bound is not null) { _text.Append(before).Append("le=\"").Append(bound).Append('"'); }
        _text.Append('}');
    }
}
