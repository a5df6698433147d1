using System.Text;

namespace Quorate.Node.Logging;

/// <summary>Form of a log line.</summary>
public enum LogFormat
{
    /// <summary><c>time=... level=info event=became-leader shard=1 term=4</c></summary>
    Logfmt,

    /// <summary>One JSON object a line, all values strings; the first keys are those of etcd's log: level, ts, msg.</summary>
    Json,

    /// <summary>Time, level, message and, if there are some, the rest as JSON, between tabs; as etcd's console format.</summary>
    Console,
}

/// <summary>
/// Writes lines to streams (standard error, files) from a thread of its own, so that a reader that does not read holds nobody up:
/// beyond <see cref="MostWaiting"/> lines, new ones are dropped and counted.
/// </summary>
public sealed class LineLog : INodeLog, IDisposable
{
    /// <summary>Most lines that wait for the stream.</summary>
    public const int MostWaiting = 1000;

    private readonly object _gate = new();
    private readonly Queue<string> _lines = new();
    private readonly Stream[] _streams;
    private readonly LineForm _form;
    private readonly LogSeverity _least;
    private readonly Thread _writer;
    private long _dropped;
    private bool _busy;
    private bool _closed;

    /// <summary>Starts a log.</summary>
    /// <param name="stream">Where lines go; not closed by the log.</param>
    /// <param name="format">Form of the lines.</param>
    /// <param name="clock">Time of the lines.</param>
    public LineLog(Stream stream, LogFormat format, TimeProvider? clock = null)
        : this([stream], format, LogSeverity.Info, clock)
    {
    }

    /// <summary>Starts a log.</summary>
    /// <param name="streams">Where each line goes; not closed by the log.</param>
    /// <param name="format">Form of the lines.</param>
    /// <param name="least">Lines that matter less are left out.</param>
    /// <param name="clock">Time of the lines.</param>
    public LineLog(IEnumerable<Stream> streams, LogFormat format, LogSeverity least, TimeProvider? clock = null)
    {
        _streams = [.. streams];
        _form = new LineForm(format, clock ?? TimeProvider.System);
        _least = least;
        _writer = new Thread(WriteLines) { IsBackground = true, Name = "quorate-log" };
        _writer.Start();
    }

    /// <inheritdoc/>
    public void Write(LogSeverity severity, string name, params ReadOnlySpan<LogField> fields)
    {
        if (severity < _least) { return; }
        string line = _form.Render(severity, name, fields);
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
                    line += _form.Render(LogSeverity.Warning, "log-lines-dropped", [new("count", _dropped)]);
                    _dropped = 0;
                }

                _busy = true;
            }

            byte[] bytes = Encoding.UTF8.GetBytes(line);
            foreach (Stream stream in _streams)
            {
                try
                {
                    if (stream.CanSeek) { stream.Seek(0, SeekOrigin.End); } // A file may have been cut short by whoever turns logs.
                    stream.Write(bytes);
                    stream.Flush();
                }
                catch (Exception e) when (e is IOException or ObjectDisposedException)
                {
                    // Nobody is left to be told: the log itself is gone.
                }
            }
        }
    }
}
