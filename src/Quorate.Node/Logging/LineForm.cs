using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Quorate.Node.Logging;

/// <summary>Makes the text of a line. Any thread.</summary>
internal sealed class LineForm
{
    private const string MessageKey = "message";

    private readonly LogFormat _format;
    private readonly TimeProvider _clock;

    /// <param name="format">Form of the lines.</param>
    /// <param name="clock">Time of the lines.</param>
    public LineForm(LogFormat format, TimeProvider clock)
    {
        _format = format;
        _clock = clock;
    }

    /// <summary>The line, with its end.</summary>
    public string Render(LogSeverity severity, string name, ReadOnlySpan<LogField> fields)
    {
        string time = _clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        string level = severity switch { LogSeverity.Info => "info", LogSeverity.Warning => "warn", _ => "error" };
        var line = new StringBuilder(128);
        switch (_format)
        {
            case LogFormat.Logfmt:
                line.Append("time=").Append(time).Append(" level=").Append(level).Append(" event=").Append(name);
                foreach (LogField field in fields) { AppendText(line.Append(' '), field); }
                break;
            case LogFormat.Json:
                AppendJson(line.Append('{'), new("level", level));
                AppendJson(line.Append(','), new("ts", time));
                AppendJson(line.Append(','), new("msg", Message(name, fields)));
                AppendJson(line.Append(','), new("event", name));
                foreach (LogField field in fields) { AppendRest(line, field); }
                line.Append('}');
                break;
            default:
                line.Append(time).Append('\t').Append(level).Append('\t').Append(OneLine(Message(name, fields))).Append("\t{");
                AppendJson(line, new("event", name));
                foreach (LogField field in fields) { AppendRest(line, field); }
                line.Append('}');
                break;
        }

        return line.Append('\n').ToString();
    }

    // etcd's lines begin with a sentence; of ours most have only a name.
    private static string Message(string name, ReadOnlySpan<LogField> fields)
    {
        foreach (LogField field in fields)
        {
            if (field.Key == MessageKey) { return field.Value; }
        }

        return name.Replace('-', ' ');
    }

    private static void AppendRest(StringBuilder line, LogField field)
    {
        if (field.Key != MessageKey) { AppendJson(line.Append(','), field); }
    }

    private static void AppendJson(StringBuilder line, LogField field)
    {
        // By way of UTF-8, which replaces halves of surrogate pairs; from a string they would throw.
        byte[] value = Encoding.UTF8.GetBytes(field.Value);
        line.Append('"').Append(field.Key).Append("\":\"")
            .Append(JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)).Append('"');
    }

    private static void AppendText(StringBuilder line, LogField field)
    {
        line.Append(field.Key).Append('=');
        if (field.Value.Length > 0 && !field.Value.AsSpan().ContainsAny(" \"=\\") && !HasControl(field.Value)) { line.Append(field.Value); }
        else { line.Append('"').Append(OneLine(field.Value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))).Append('"'); }
    }

    // A remote side must not be able to forge a line.
    private static string OneLine(string text)
    {
        if (!HasControl(text)) { return text; }
        var line = new StringBuilder(text.Length + 16);
        foreach (char c in text)
        {
            if (char.IsControl(c)) { line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); }
            else { line.Append(c); }
        }

        return line.ToString();
    }

    private static bool HasControl(string text)
    {
        foreach (char c in text)
        {
            if (char.IsControl(c)) { return true; }
        }

        return false;
    }
}
