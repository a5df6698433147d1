using System.Globalization;

namespace Quorate.Bench;

/// <summary>How far a load has come: a line on a terminal that is rewritten in place, and taken away at the end. Elsewhere nothing.</summary>
/// <param name="error">Where to write: stdout is for the result.</param>
internal sealed class BenchProgress(TextWriter error)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly bool _isTerminal = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;

    /// <summary>In front of each line: which round, which server.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>Shows a measured load until disposed.</summary>
    /// <param name="plan">What runs.</param>
    /// <param name="count">What has been done so far; called on another thread.</param>
    public IDisposable Watch(BenchPlan plan, Func<long> count)
    {
        double seconds = plan.WarmUpSeconds + plan.Seconds;
        return Start(plan.Workload.Name, count, (elapsed, done) => plan.Total > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{Math.Min(done, plan.Total):#,0} of {plan.Total:#,0}")
            : string.Create(CultureInfo.InvariantCulture, $"{(elapsed < plan.WarmUpSeconds ? "warm-up " : "")}{Math.Min(elapsed, seconds):0} of {seconds:0.#} s"));
    }

    /// <summary>Shows something that is done once for each key, until disposed.</summary>
    /// <param name="name">What.</param>
    /// <param name="total">How many.</param>
    /// <param name="count">How many so far; called on another thread.</param>
    public IDisposable Watch(string name, long total, Func<long> count) =>
        Start(name, count, (_, done) => string.Create(CultureInfo.InvariantCulture, $"{done:#,0} of {total:#,0}"));

    private Line Start(string name, Func<long> count, Func<double, long, string> where) =>
        new(_isTerminal ? error : TextWriter.Null, $"{Prefix}{name}: ", count, where);

    private sealed class Line : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly TextWriter _output;
        private readonly Timer? _timer;
        private readonly long _begin = BenchClock.Now();
        private long _before;
        private long _beforeAt;
        private bool _isOver;

        public Line(TextWriter output, string name, Func<long> count, Func<double, long, string> where)
        {
            _output = output;
            _beforeAt = _begin;
            if (output != TextWriter.Null) { _timer = new Timer(_ => Show(name, count, where), null, Interval, Interval); }
        }

        public void Dispose()
        {
            lock (_lock)
            {
                if (_timer is not null && !_isOver) { _output.Write("\r\x1b[2K"); }
                _isOver = true;
                _timer?.Dispose();
            }
        }

        private void Show(string name, Func<long> count, Func<double, long, string> where)
        {
            lock (_lock)
            {
                if (_isOver) { return; }
                (long now, long done) = (BenchClock.Now(), count());
                double rate = (done - _before) * 1e9 / Math.Max(1, now - _beforeAt);
                (_before, _beforeAt) = (done, now);
                _output.Write($"\r\x1b[2K{name}{where((now - _begin) / 1e9, done)}, {rate.ToString("#,0", CultureInfo.InvariantCulture)}/s");
                _output.Flush();
            }
        }
    }
}
