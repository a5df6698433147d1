using System.Text;
using System.Text.Json;
using Quorate.Node.Logging;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class LineLogTests
{
    [Fact]
    public void A_logfmt_line_quotes_what_could_forge_another_line()
    {
        string line = Written(LogFormat.Logfmt, log => log.Write(
            LogSeverity.Warning, "peer-refused", new("remote", "10.0.0.1:7"), new("reason", "a \"b\"\nevent=fatal"), new("n", 7L), new("e", "")));

        Assert.EndsWith(
            " level=warn event=peer-refused remote=10.0.0.1:7 reason=\"a \\\"b\\\"\\u000aevent=fatal\" n=7 e=\"\"\n", line,
            StringComparison.Ordinal);
        Assert.StartsWith("time=20", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_json_line_is_one_object()
    {
        string line = Written(LogFormat.Json, log => log.Write(LogSeverity.Error, "fatal", new LogField("reason", "\"\n\u0001\ud800é")));

        using JsonDocument json = JsonDocument.Parse(line);
        Assert.Equal("error", json.RootElement.GetProperty("level").GetString());
        Assert.StartsWith("\"\n\u0001", json.RootElement.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, line.Count(static c => c == '\n'));
    }

    // Goal: what parses etcd's log finds level, time and message where etcd has them, and no remote text can forge a line.
    [Fact]
    public void Json_and_console_lines_begin_as_etcds()
    {
        void Ready(LineLog log) => log.Write(LogSeverity.Info, "ready", new("message", "ready to serve client requests"), new("a", "b\n"));
        Assert.Matches(
            "^{\"level\":\"info\",\"ts\":\"2[^\"]*Z\",\"msg\":\"ready to serve client requests\",\"event\":\"ready\",\"a\":\"b\\\\n\"}\n$",
            Written(LogFormat.Json, Ready));
        Assert.Matches(
            "^2[^\t]*Z\tinfo\tready to serve client requests\t{\"event\":\"ready\",\"a\":\"b\\\\n\"}\n$", Written(LogFormat.Console, Ready));
        Assert.Contains("\"msg\":\"became leader\"", Written(LogFormat.Json, log => log.Write(LogSeverity.Info, "became-leader")), StringComparison.Ordinal);
        Assert.Contains("x\\u000ay", Written(LogFormat.Console, log => log.Write(LogSeverity.Info, "e", new LogField("message", "x\ny"))), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_below_the_least_level_are_left_out_and_all_streams_get_the_rest()
    {
        using var one = new MemoryStream();
        using var two = new MemoryStream();
        using (var log = new LineLog([one, two], LogFormat.Logfmt, LogSeverity.Warning))
        {
            log.Write(LogSeverity.Info, "quiet");
            log.Write(LogSeverity.Warning, "loud");
        }

        Assert.DoesNotContain("quiet", Encoding.UTF8.GetString(one.ToArray()), StringComparison.Ordinal);
        Assert.Contains("event=loud", Encoding.UTF8.GetString(one.ToArray()), StringComparison.Ordinal);
        Assert.Equal(one.ToArray(), two.ToArray());
    }

    [Fact]
    public void A_reader_that_does_not_read_costs_lines_not_time()
    {
        using var stream = new BlockedStream();
        using (var log = new LineLog(stream, LogFormat.Logfmt))
        {
            for (int i = 0; i < LineLog.MostWaiting + 100; i++) { log.Write(LogSeverity.Info, "line"); }
            stream.Open();
            log.Flush(Waiting.Longest);
        }

        string text = stream.Text;
        Assert.InRange(text.Split("event=line").Length - 1, LineLog.MostWaiting, LineLog.MostWaiting + 1);
        Assert.Matches("event=log-lines-dropped count=(99|100)\n$", text);
    }

    [Fact]
    public void A_limiter_lets_one_line_of_a_key_through_and_counts_the_rest()
    {
        var limiter = new LineLimiter(TimeSpan.FromHours(1));
        Assert.True(limiter.MayWrite("a", out _));
        Assert.False(limiter.MayWrite("a", out _));
        Assert.True(limiter.MayWrite("b", out _));

        var open = new LineLimiter(TimeSpan.Zero);
        Assert.True(open.MayWrite("a", out _));
        Assert.True(open.MayWrite("a", out long suppressed));
        Assert.Equal(0, suppressed);
    }

    private static string Written(LogFormat format, Action<LineLog> write)
    {
        using var stream = new MemoryStream();
        using (var log = new LineLog(stream, format))
        {
            write(log);
            log.Flush(Waiting.Longest);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private sealed class BlockedStream : MemoryStream
    {
        private readonly ManualResetEventSlim _gate = new();

        public string Text => Encoding.UTF8.GetString(ToArray());

        public void Open() => _gate.Set();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _gate.Wait();
            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            _gate.Set();
            base.Dispose(disposing);
        }
    }
}
