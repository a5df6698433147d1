using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;
using Xunit;

namespace Quorate.Tests.Raft;

public sealed class RaftMessageCodecTests
{
    private static readonly MessageHeader Header = new(new ShardId(7), new ReplicaId(1), new ReplicaId(2), new Term(300));

    // The wire format is a promise to nodes of other versions: these bytes change only together with a new kind number.
    public static TheoryData<RaftMessage, string> Golden => new()
    {
        { Append("ab", ""), "01070102AC02" + "090A" + "08" + "02" + "0B0102" + "0B0100" + "6162" },
        { new AppendEntriesReply(Header, false, new(9), new(new(8), new(7))), "02070102AC02" + "00" + "09" + "0807" },
        { new Heartbeat(Header, new(5), 128), "03070102AC02" + "05" + "8001" },
        { new HeartbeatReply(Header, 3), "04070102AC02" + "03" },
        { new RequestVote(Header, new(new(8), new(7)), true, false), "05070102AC02" + "0807" + "0100" },
        { new RequestVoteReply(Header, false, true, new(new(8), new(7))), "06070102AC02" + "0001" + "0807" },
        {
            new InstallSnapshot(Header, new(new(new(8), new(7)), new([new(1), new(2)], [new(1)], [], [new(3)], true))),
            "07070102AC02" + "0807" + "0101" + "020102" + "0101" + "00" + "0103"
        },
        { new TimeoutNow(Header), "08070102AC02" },
        { new TransferRequest(Header, new(9)), "09070102AC02" + "09" },
        { new ReadIndexRequest(Header, 200), "0A070102AC02" + "C801" },
        { new ReadIndexReply(Header, 200, new(6)), "0B070102AC02" + "C801" + "06" },
        { new HoldsUncounted(Header, new(9)), "0E070102AC02" + "09" },
        { new Recall(Header, 200), "0C070102AC02" + "C801" },
        {
            new RecallReply(Header, 200, new(new(8), new(7)), new(6), new([new(1), new(2)], [new(1)], [], [new(3)], true)),
            "0D070102AC02" + "C801" + "0807" + "06" + "0101" + "020102" + "0101" + "00" + "0103"
        },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Bytes_on_the_wire_are_these(RaftMessage message, string bytes)
    {
        Assert.Equal(bytes, Convert.ToHexString(Encode(message)));
        Assert.Equal(bytes, Convert.ToHexString(Encode(Decode(Convert.FromHexString(bytes))!)));
    }

    [Fact]
    public void Every_message_comes_back_as_it_was()
    {
        var random = new Prng(1);
        for (int i = 0; i < 5_000; i++)
        {
            RaftMessage message = MessageGen.Any(random);
            byte[] bytes = Encode(message);
            var reader = new ByteReader(bytes);
            Assert.True(RaftMessageCodec.TryDecode(ref reader, out RaftMessage? back), $"{message}");
            Assert.True(reader.AtEnd);
            Assert.Equal(message.GetType(), back.GetType());
            Assert.Equal(message.Header, back.Header);
            Assert.Equal(bytes, Encode(back));
            if (message is AppendEntries append) { AssertSame(append, (AppendEntries)back); }
            else { Assert.Equal(message, back); }
        }
    }

    [Fact]
    public void Messages_may_follow_each_other()
    {
        var writer = new ByteWriter();
        RaftMessageCodec.Encode(new TimeoutNow(Header), writer);
        RaftMessageCodec.Encode(Append("x"), writer);
        RaftMessageCodec.Encode(new HeartbeatReply(Header, 1), writer);
        var reader = new ByteReader(writer.Written);
        Assert.True(RaftMessageCodec.TryDecode(ref reader, out RaftMessage? first));
        Assert.True(RaftMessageCodec.TryDecode(ref reader, out RaftMessage? second));
        Assert.True(RaftMessageCodec.TryDecode(ref reader, out RaftMessage? third));
        Assert.True(reader.AtEnd);
        Assert.Equal((typeof(TimeoutNow), typeof(AppendEntries), typeof(HeartbeatReply)), (first.GetType(), second.GetType(), third.GetType()));
    }

    [Fact]
    public void A_message_that_is_cut_short_is_refused()
    {
        var random = new Prng(2);
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = Encode(MessageGen.Any(random));
            for (int length = 0; length < bytes.Length; length++) { Assert.Null(Decode(bytes.AsSpan(0, length))); }
        }
    }

    // Whatever arrives, the answer is a message or a refusal, and what was read as a message can be written again.
    [Fact]
    public void Damaged_bytes_never_throw()
    {
        var random = new Prng(3);
        int read = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = Encode(MessageGen.Any(random));
            for (int flips = random.Below(3); flips >= 0; flips--) { bytes[random.Below(bytes.Length)] = (byte)random.Below(256); }
            if (Decode(bytes) is { } message)
            {
                read++;
                _ = Encode(message);
            }
        }

        Assert.InRange(read, 1_000, 19_000);
    }

    [Theory]
    [InlineData("00070102AC02", "no kind")]
    [InlineData("0F070102AC02", "unknown kind")]
    [InlineData("08000102AC02", "no shard")]
    [InlineData("08070002AC02", "no sender")]
    [InlineData("08070100AC02", "no receiver")]
    [InlineData("0807010280808080808080808001", "term out of range")]
    [InlineData("060701020102" + "010000", "a bool of 2")]
    [InlineData("01070102AC02" + "090A" + "08" + "FFFFFFFFFFFFFFFF7F", "a count beyond the bytes")]
    [InlineData("01070102AC02" + "090A" + "08" + "01" + "0B0105" + "6162", "a payload beyond the bytes")]
    [InlineData("01070102AC02" + "090A" + "08" + "01" + "0B0300", "an unknown kind of entry")]
    [InlineData("01070102AC02" + "090A" + "08" + "01" + "090100", "an entry older than its predecessor")]
    [InlineData("01070102AC02" + "090A" + "08" + "01" + "AD020100", "an entry newer than its sender")]
    [InlineData("07070102AC02" + "0807" + "0100" + "020201" + "000000", "voters out of order")]
    [InlineData("07070102AC02" + "0807" + "0200" + "020102" + "000000", "a membership of version 2")]
    public void Impossible_content_is_refused(string bytes, string why) =>
        Assert.True(Decode(Convert.FromHexString(bytes)) is null, why);

    [Fact]
    public void Membership_changes_come_back_as_they_were()
    {
        var random = new Prng(4);
        for (int i = 0; i < 1_000; i++)
        {
            MembershipChange change = MessageGen.Change(random);
            byte[] bytes = MembershipCodec.Encode(change);
            Assert.True(MembershipCodec.TryDecode(bytes, out MembershipChange? back));
            Assert.Equal(change.Steps, back.Steps);
            Assert.Equal(change.Transition, back.Transition);
            Assert.Equal(change.Context.ToArray(), back.Context.ToArray());
            for (int length = 0; length < bytes.Length; length++) { Assert.False(MembershipCodec.TryDecode(bytes.AsSpan(0, length), out _)); }
        }
    }

    [Fact]
    public void A_membership_change_has_these_bytes()
    {
        var change = new MembershipChange(
            [(MembershipStep.AddVoter, new(4)), (MembershipStep.Remove, new(300))], JointTransition.Explicit, new byte[] { 0xEE });
        Assert.Equal("01" + "02" + "02" + "0104" + "03AC02" + "01EE", Convert.ToHexString(MembershipCodec.Encode(change)));
        Assert.Equal("01000000", Convert.ToHexString(MembershipCodec.Encode(MembershipChange.Leave)));
    }

    private static AppendEntries Append(params string[] payloads) => new(
        Header,
        new(new(9), new(10)),
        [.. payloads.Select(static (payload, i) => new LogEntry(
            new(10 + (ulong)i), new(11), EntryKind.Command, System.Text.Encoding.UTF8.GetBytes(payload)))],
        new(8));

    private static void AssertSame(AppendEntries expected, AppendEntries actual)
    {
        Assert.Equal((expected.Previous, expected.Commit, expected.Entries.Length), (actual.Previous, actual.Commit, actual.Entries.Length));
        for (int i = 0; i < expected.Entries.Length; i++)
        {
            Assert.Equal(expected.Entries[i] with { Payload = default }, actual.Entries[i] with { Payload = default });
            Assert.Equal(expected.Entries[i].Payload.ToArray(), actual.Entries[i].Payload.ToArray());
        }
    }

    private static byte[] Encode(RaftMessage message)
    {
        var writer = new ByteWriter();
        RaftMessageCodec.Encode(message, writer);
        return writer.ToArray();
    }

    private static RaftMessage? Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        return RaftMessageCodec.TryDecode(ref reader, out RaftMessage? message) ? message : null;
    }

    /// <summary>Random messages that a replica could send.</summary>
    private static class MessageGen
    {
        public static RaftMessage Any(Prng random)
        {
            var header = new MessageHeader(new(Number(random) + 1), new(Number(random) + 1), new(Number(random) + 1), new(Number(random)));
            LogPosition position = new(new(Number(random)), new(Math.Min(Number(random), header.Term.Value)));
            return random.Below(14) switch
            {
                0 => new AppendEntries(header, position, Entries(random, position, header.Term), new(Number(random))),
                1 => new AppendEntriesReply(header, random.Chance(1, 2), new(Number(random)), position),
                2 => new Heartbeat(header, new(Number(random)), random.Next()),
                3 => new HeartbeatReply(header, random.Next()),
                4 => new RequestVote(header, position, random.Chance(1, 2), random.Chance(1, 2)),
                5 => new RequestVoteReply(header, random.Chance(1, 2), random.Chance(1, 2), position),
                6 => new InstallSnapshot(header, new(position, new(Ids(random), Ids(random), Ids(random), Ids(random), random.Chance(1, 2)))),
                7 => new TimeoutNow(header),
                8 => new TransferRequest(header, new(Number(random))),
                13 => new HoldsUncounted(header, new(Number(random))),
                11 => new Recall(header, random.Next()),
                12 => new RecallReply(header, random.Next(), position, new(Number(random)), new(Ids(random), Ids(random), Ids(random), Ids(random), random.Chance(1, 2))),
                9 => new ReadIndexRequest(header, random.Next()),
                _ => new ReadIndexReply(header, random.Next(), new(Number(random))),
            };
        }

        public static MembershipChange Change(Prng random) => new(
            [.. Enumerable.Range(0, random.Below(5)).Select(_ => ((MembershipStep)(1 + random.Below(3)), new ReplicaId(Number(random) + 1)))],
            (JointTransition)random.Below(3),
            Payload(random));

        private static ulong Number(Prng random) => random.Next() >> (2 + random.Below(62));

        private static ImmutableArray<ReplicaId> Ids(Prng random) =>
            [.. Enumerable.Range(0, random.Below(5)).Select(_ => new ReplicaId(Number(random) + 1)).Distinct().Order()];

        private static ImmutableArray<LogEntry> Entries(Prng random, LogPosition previous, Term max)
        {
            var entries = new List<LogEntry>();
            Term term = previous.Term;
            for (int i = random.Below(6); i > 0; i--)
            {
                term = new Term((ulong)random.Between((long)term.Value, (long)max.Value));
                entries.Add(new LogEntry(previous.Index + (entries.Count + 1), term, (EntryKind)random.Below(3), Payload(random)));
            }

            return [.. entries];
        }

        private static byte[] Payload(Prng random)
        {
            byte[] payload = new byte[random.Below(20)];
            random.Fill(payload);
            return payload;
        }
    }
}
