using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Quorate.Node.Logging;

/// <summary>Form of a log line.</summary>
public enum LogFormat
{
    /// <summary><c>time=... level=info event=became-leader shard=1 term=4</c></summary>
    Logfmt,

    /// <summary>One JSON object a line, all values strings.</summary>
    Json,
}

/// <summary>
/// Writes lines to a stream (standard error) from a thread of its own, so that a reader that does not read holds nobody up:
/// beyond <see cref="MostWaiting"/> lines, new ones are dropped and counted.
/// </summary>
public sealed class LineLog : INodeLog, IDisposable
{
    /// <summary>Most lines that wait for the stream.</summary>
    public const int MostWaiting = 1000;

    private readonly object _gate = new();
    private readonly Queue<string> _lines = new();
    private readonly Stream _stream;
    private readonly LogFormat _format;
    private readonly TimeProvider _clock;
    private readonly Thread _writer;
    private long _dropped;
    private bool _busy;
    private bool _closed;

    /// <summary>Starts a log.</summary>
    /// <param name="stream">Where lines go; not closed by the log.</param>
    /// <param name="format">Form of the lines.</param>
    /// <param name="clock">Time of the lines.</param>
    public LineLog(Stream stream, LogFormat format, TimeProvider? clock = null)
    {
        _stream = stream;
        _format = format;
        _clock = clock ?? TimeProvider.System;
        _writer = new Thread(WriteLines) { IsBackground = true, Name = "quorate-log" };
        _writer.Start();
    }

    /// <inheritdoc/>
    public void Write(LogSeverity severity, string name, params ReadOnlySpan<LogField> fields)
    {
        string line = Render(severity, name, fields);
        lock (_gate)
        {
            if (_closed) { return; }
            if (_lines.Count >= MostWaiting)
            {
                _dropped++;
                return;
            }

            _lines.Enqueue(line);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until all lines are written, but not for long: call it before the process exits.</summary>
    /// <param name="timeout">Longest wait.</param>
    public void Flush(TimeSpan timeout)
    {
        long until = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_gate)
        {
            while (_lines.Count > 0 || _busy)
            {
                long left = until - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(_gate, (int)left)) { return; }
            }
        }
    }

    /// <summary>Writes what waits, for at most a second, and ends the thread.</summary>
    public void Dispose()
    {
        Flush(TimeSpan.FromSeconds(1));
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void WriteLines()
    {
        while (true)
        {
            string line;
            lock (_gate)
            {
                _busy = false;
                Monitor.PulseAll(_gate);
                while (_lines.Count == 0 && !_closed) { Monitor.Wait(_gate); }
                if (_lines.Count == 0) { return; }
                line = _lines.Dequeue();
                if (_dropped > 0 && _lines.Count == 0)
                {
                    line += Render(LogSeverity.Warning, "log-lines-dropped", [new("count", _dropped)]);
                    _dropped = 0;
                }

                _busy = true;
            }

            try
            {
                _stream.Write(Encoding.UTF8.GetBytes(line));
                _stream.Flush();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Nobody is left to be told: the log itself is gone.
            }
        }
    }

    private string Render(LogSeverity severity, string name, ReadOnlySpan<LogField> fields)
    {
        string time = _clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        string level = severity switch { LogSeverity.Info => "info", LogSeverity.Warning => "warn", _ => "error" };
        var line = new StringBuilder(128);
        bool isJson = _format == LogFormat.Json;
        line.Append(isJson ? '{' : "");
        Append(line, new("time", time), isFirst: true);
        Append(line, new("level", level), isFirst: false);
        Append(line, new("event", name), isFirst: false);
        foreach (LogField field in fields) { Append(line, field, isFirst: false); }
        return line.Append(isJson ? "}\n" : "\n").ToString();
    }

    private void Append(StringBuilder line, LogField field, bool isFirst)
    {
        if (_format == LogFormat.Json)
        {
            // By way of UTF-8, which replaces halves of surrogate pairs; from a string they would throw.
            byte[] value = Encoding.UTF8.GetBytes(field.Value);
            line.Append(isFirst ? "\"" : ",\"").Append(field.Key).Append("\":\"")
                .Append(JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)).Append('"');
            return;
        }

        line.Append(isFirst ? "" : " ").Append(field.Key).Append('=');
        if (field.Value.Length > 0 && !field.Value.AsSpan().ContainsAny(" \"=\\") && !HasControl(field.Value))
        {
            line.Append(field.Value);
            return;
        }

        line.Append('"');
        foreach (char c in field.Value)
        {
            // A remote side must not be able to forge a line.
            if (char.IsControl(c)) { line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); }
            else { line.Append(c is '"' or '\\' ? "\\" : "").Append(c); }
        }

        line.Append('"');
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
