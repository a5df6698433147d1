using System.Text;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

public sealed class HistoryReaderTests
{
    // Goal: what is written is what is read, with all members, also those that only some models know.
    [Fact]
    public void A_written_history_is_read_as_it_was()
    {
        var history = new History();
        HistoryOperation cas = history.Invoke(3, "cas", 10, "k1", new System.Text.Json.Nodes.JsonArray(1, 2));
        history.Add(HistoryEvent.Create(-1, HistoryEventType.Info, "partition", 11, value: "n1 | n2 n3"));
        history.Complete(cas, HistoryEventType.Ok, 12, applied: false);
        history.Add(HistoryEvent.Create(4, HistoryEventType.Invoke, "put", 13, "k2", "v", more: ("lease", 7)));
        var bytes = new MemoryStream();
        HistoryWriter.Write(bytes, history, "register", new() { ["seed"] = 5 });

        History read = HistoryReader.Read(new MemoryStream(bytes.ToArray()));

        Assert.Equal(history.Events.Select(e => e.ToString()), read.Events.Select(e => e.ToString()));
        Assert.Equal(("register", 5), (read.Model, read.About.GetProperty("seed").GetInt32()));
        Assert.Equal((2, 1, 1), (read.Operations.Count, read.Unknown, read.Faults.Count()));
        HistoryOperation first = read.Operations[0];
        Assert.Equal((3, "cas", "k1", 10L, 12L, HistoryOutcome.Ok, false), (first.Process, first.Function, first.Key, first.Invoked, first.Returned, first.Outcome, first.Completion!.Applied));
        Assert.Equal([2, 3, 4, 5], read.Events.Select(e => e.Line));
        Assert.Equal(7, read.Operations[1].Invoke.Member("lease").GetInt32());
        Assert.Equal((long.MaxValue, true), (read.Operations[1].Returned, read.Operations[1].IsUnknown));
    }

    // Goal: a file that is no history is refused at the line at fault, with the rule; nothing is guessed or skipped.
    [Theory]
    [InlineData(2, "is not one JSON object", """{"process":1,"type":"invoke","f":"read","time":1}""", """{"process":1,"type":"ok","f":"re""")]
    [InlineData(1, "is not one JSON object", """{"process":1,"type":"invoke","f":"read","time":1} {}""")]
    [InlineData(1, "is not one JSON object", """{"process":1,"process":1,"type":"invoke","f":"read","time":1}""")]
    [InlineData(1, "is not one JSON object", "\u0001\u0002 PK")]
    [InlineData(1, "must be a JSON object", "[1]")]
    [InlineData(1, "is not one JSON object", """{"process":1,"type":"invoke","f":"\ud800","time":1}""")]
    [InlineData(1, "\"process\" is missing", """{"type":"invoke","f":"read","time":1}""")]
    [InlineData(1, "\"process\" is \"one\"", """{"process":"one","type":"invoke","f":"read","time":1}""")]
    [InlineData(1, "\"process\" is -3", """{"process":-3,"type":"invoke","f":"read","time":1}""")]
    [InlineData(1, "\"process\" is 99999999999", """{"process":99999999999,"type":"invoke","f":"read","time":1}""")]
    [InlineData(1, "\"type\" is \"OK\"", """{"process":1,"type":"OK","f":"read","time":1}""")]
    [InlineData(1, "\"f\" is 7", """{"process":1,"type":"invoke","f":7,"time":1}""")]
    [InlineData(1, "\"time\" is 1.5", """{"process":1,"type":"invoke","f":"read","time":1.5}""")]
    [InlineData(1, "\"time\" is 9007199254740992", """{"process":1,"type":"invoke","f":"read","time":9007199254740992}""")]
    [InlineData(1, "\"key\" is [1]", """{"process":1,"type":"invoke","f":"read","key":[1],"time":1}""")]
    [InlineData(1, "\"applied\" is 0", """{"process":1,"type":"invoke","f":"cas","applied":0,"time":1}""")]
    [InlineData(1, "asked for nothing", """{"process":1,"type":"ok","f":"read","time":1}""")]
    [InlineData(2, "while its read of line 1 has no answer", """{"process":1,"type":"invoke","f":"read","time":1}""", """{"process":1,"type":"invoke","f":"read","time":2}""")]
    [InlineData(2, "but asked for read", """{"process":1,"type":"invoke","f":"read","time":1}""", """{"process":1,"type":"ok","f":"write","time":2}""")]
    [InlineData(2, "but asked for read of a", """{"process":1,"type":"invoke","f":"read","key":"a","time":1}""", """{"process":1,"type":"ok","f":"read","key":"b","time":2}""")]
    [InlineData(2, "goes back in time", """{"process":1,"type":"invoke","f":"read","time":5}""", """{"process":1,"type":"ok","f":"read","time":4}""")]
    [InlineData(3, "must take a new process number", """{"process":1,"type":"invoke","f":"read","time":1}""", """{"process":1,"type":"info","f":"read","time":2}""", """{"process":1,"type":"invoke","f":"read","time":3}""")]
    [InlineData(1, "reads version 1", """{"history":2,"model":"register"}""")]
    [InlineData(1, "\"model\" is 3", """{"history":1,"model":3}""")]
    public void A_bad_line_is_named(int line, string problem, params string[] lines)
    {
        HistoryException error = Assert.Throws<HistoryException>(() => Read(string.Join('\n', lines)));
        Assert.Equal(line, error.Line);
        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_without_line_ends_does_not_fill_the_memory()
    {
        HistoryException error = Assert.Throws<HistoryException>(() => HistoryReader.Read(new Endless()));
        Assert.Contains("longer than 16777216 bytes", error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_lines_windows_line_ends_and_a_last_line_without_end_are_read() =>
        Assert.Single(Read("\r\n{\"process\":1,\"type\":\"invoke\",\"f\":\"read\",\"time\":1}\r\n\n{\"process\":1,\"type\":\"ok\",\"f\":\"read\",\"time\":1}").Operations);

    // Goal: whatever bytes come, the reader answers with a history or with HistoryException.
    // Method: a good file with bytes changed, cut and doubled at random.
    [Fact]
    public void Damaged_files_never_throw_anything_else()
    {
        var history = new History();
        for (int i = 0; i < 20; i++)
        {
            HistoryOperation read = history.Invoke(i % 3, "read", i, "k");
            history.Complete(read, HistoryEventType.Ok, i, i);
        }

        var file = new MemoryStream();
        HistoryWriter.Write(file, history, "register");
        byte[] good = file.ToArray();
        var random = new Quorate.Core.Prng(4);
        int refused = 0;
        for (int run = 0; run < 3_000; run++)
        {
            byte[] bytes = good[..random.Below(good.Length)];
            for (int change = random.Below(3); change > 0 && bytes.Length > 0; change--)
            {
                bytes[random.Below(bytes.Length)] = (byte)random.Below(256);
            }

            try
            {
                HistoryReader.Read(new MemoryStream(bytes));
            }
            catch (HistoryException)
            {
                refused++;
            }
        }

        Assert.True(refused > 1_500, $"only {refused} were refused");
    }

    private static History Read(string text) => HistoryReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)));

    private sealed class Endless : Stream
    {
        private long _given;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Assert.True((_given += count) < 100_000_000, "the reader does not stop");
            buffer.AsSpan(offset, count).Fill((byte)'x');
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
