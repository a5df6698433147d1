using System.Text;
using Google.Protobuf;
using Quorate.Bench;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.Cli;

public class BenchRequestTests
{
    private static readonly BenchPlan Plan = new()
    {
        Workload = BenchWorkload.Put,
        Endpoints = [],
        KeyBytes = 12,
        ValueBytes = 30,
        Keys = 1000,
        RangeSize = 10,
        Limit = 5,
        NumberBase = RequestTemplate.LeastNumber + 1_000_000,
        Seconds = 5,
        WarmUpSeconds = 1,
    };

    // Goal: whatever the sizes, each place of the key and the value in a template is found and rewritten, and nothing else.
    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(9, 8)]
    [InlineData(16, 256)]
    [InlineData(130, 20_000)]
    public void A_template_is_the_message_with_the_key_and_value_in_place(int keyBytes, int valueBytes)
    {
        var template = new RequestTemplate(RequestKinds.Txn.Build, Plan with { KeyBytes = keyBytes, ValueBytes = valueBytes }, new Prng(1));
        template.For(1, 1);
        TxnRequest seven = TxnRequest.Parser.ParseFrom(template.For(7, 7)[5..]);
        TxnRequest eight = TxnRequest.Parser.ParseFrom(template.For(8, 8)[5..]);
        string key = "7".PadLeft(keyBytes, '0');
        Assert.Equal([key, key, key], [seven.Compare[0].Key.ToStringUtf8(), seven.Success[0].RequestPut.Key.ToStringUtf8(), seven.Failure[0].RequestRange.Key.ToStringUtf8()]);
        Assert.Equal((valueBytes, true), (seven.Success[0].RequestPut.Value.Length, seven.Compare[0].Result == Compare.Types.CompareResult.Greater));
        Assert.Equal("8".PadLeft(keyBytes, '0'), eight.Success[0].RequestPut.Key.ToStringUtf8());
        Assert.Equal(valueBytes >= 8, seven.Success[0].RequestPut.Value != eight.Success[0].RequestPut.Value);
        var expected = RequestKinds.Txn.Build(new RequestFields(ByteString.CopyFromUtf8(key), ByteString.Empty, seven.Success[0].RequestPut.Value, 0), Plan);
        Assert.Equal(expected, seven);
    }

    [Fact]
    public void A_range_ends_right_behind_its_last_key_even_if_that_is_the_last_there_can_be()
    {
        var template = new RequestTemplate(RequestKinds.Range.Build, Plan with { KeyBytes = 3 }, new Prng(1));
        RangeRequest range = RangeRequest.Parser.ParseFrom(template.For(990, 999)[5..]);
        Assert.Equal(("990", "999\0", 5), (range.Key.ToStringUtf8(), range.RangeEnd.ToStringUtf8(), range.Limit));
    }

    [Fact]
    public void The_number_of_a_lease_is_the_base_and_the_key()
    {
        var grant = new RequestTemplate(RequestKinds.LeaseGrant.Build, Plan, new Prng(1));
        var renewal = new RequestTemplate(RequestKinds.KeepAlive.Build, Plan with { NumberBase = long.MaxValue - 100 }, new Prng(1));
        LeaseGrantRequest request = LeaseGrantRequest.Parser.ParseFrom(grant.For(77, 77)[5..]);
        Assert.Equal((Plan.NumberBase + 77, 66), (request.ID, request.TTL));
        Assert.Equal(long.MaxValue - 1, LeaseKeepAliveRequest.Parser.ParseFrom(renewal.For(99, 99)[5..]).ID);
    }

    // Goal: an answer that is not what it must be is a failure, not a fast success.
    [Fact]
    public void Answers_are_judged_by_what_they_say()
    {
        var header = new ResponseHeader { ClusterId = 1, MemberId = 2, Revision = 3, RaftTerm = 4 };
        var two = new RangeResponse { Header = header, Kvs = { Pair("a"), Pair("b") }, Count = 2 };
        (RequestKind Kind, uint Count, IMessage Answer, string? Verdict)[] cases =
        [
            (RequestKinds.Put, 1, new PutResponse { Header = header }, null),
            (RequestKinds.Put, 1, new PutResponse(), "the answer is not one of etcd's"),
            (RequestKinds.Get, 1, new RangeResponse { Header = header, Kvs = { Pair("a") }, Count = 1 }, null),
            (RequestKinds.Get, 1, new RangeResponse { Header = header }, RequestKinds.Absent),
            (RequestKinds.Range, 2, two, null),
            (RequestKinds.Range, 3, two, RequestKinds.WrongCount),
            (RequestKinds.Scan, 1, two, RequestKinds.WrongCount),
            (RequestKinds.Txn, 1, new TxnResponse { Header = header, Succeeded = true, Responses = { new ResponseOp() } }, null),
            (RequestKinds.Txn, 1, new TxnResponse { Header = header, Responses = { new ResponseOp() } }, RequestKinds.NotSucceeded),
            (RequestKinds.KeepAlive, 1, new LeaseKeepAliveResponse { Header = header, ID = 1, TTL = 9 }, null),
            (RequestKinds.KeepAlive, 1, new LeaseKeepAliveResponse { Header = header, ID = 1 }, RequestKinds.LeaseEnded),
            (RequestKinds.KeepAlive, 1, new LeaseKeepAliveResponse { Header = header, ID = 1, TTL = -1 }, RequestKinds.LeaseEnded),
        ];
        foreach ((RequestKind kind, uint count, IMessage answer, string? verdict) in cases)
        {
            Assert.Equal(verdict, kind.Judge(answer.ToByteArray(), new BenchTicket(null!, 0, count)));
        }

        Assert.Equal(RequestKinds.WrongCount, RequestKinds.Range.Judge(two.ToByteArray().AsSpan()[..^1], new BenchTicket(null!, 0, 2)));
    }

    // Goal: no bytes make the walk fail or go beyond them: every prefix of a message, and noise.
    [Fact]
    public void A_walk_over_broken_bytes_ends()
    {
        byte[] message = new RangeResponse { Header = new ResponseHeader { Revision = 300 }, Kvs = { Pair("abc") }, More = true, Count = 7 }.ToByteArray();
        for (int length = 0; length <= message.Length; length++)
        {
            (int _, bool isBroken) = Walk(message.AsSpan(0, length));
            Assert.Equal(length == message.Length, !isBroken && Walk(message.AsSpan(0, length)).Fields == 4);
        }

        var random = new Prng(5);
        byte[] noise = new byte[64];
        for (int i = 0; i < 10_000; i++)
        {
            random.Fill(noise);
            Assert.InRange(Walk(noise).Fields, 0, 64);
        }
    }

    // Goal: the server, which keeps a table as RFC 7541 has it, reads the same headers from every block; later ones are short.
    [Fact]
    public void Header_blocks_say_the_same_as_text_and_then_by_place()
    {
        string token = new('t', 600); // Too long for the table.
        var blocks = new HeaderBlocks("127.0.0.1:2379", false, ("quorate-keyspace", "k"), ("token", token));
        var table = new List<(string Name, string Value)>();
        foreach (string path in new[] { "/a/Put", "/a/Put", "/a/Range", "/a/Put", "/b/Txn", "/a/Range", "/a/Range", "/b/Txn", "/a/Put" })
        {
            Assert.Equal(
                [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "127.0.0.1:2379"), ("content-type", "application/grpc"),
                    ("te", "trailers"), ("quorate-keyspace", "k"), ("token", token)],
                Decode(blocks.For(path), table));
        }

        Assert.Equal(7 + 1 + 6 + 3 + 600, blocks.For("/a/Put").Length);
        Assert.Same(blocks.For("/a/Put"), blocks.For("/a/Put"));
        int remembered = table.Count;
        Assert.Equal([(":method", "POST"), ("quorate-keyspace", "bench-7")], Decode([0x83, .. HeaderBlocks.Once("quorate-keyspace", "bench-7")], table));
        Assert.Equal(remembered, table.Count);
    }

    private static KeyValue Pair(string key) => new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("v"), ModRevision = 3 };

    private static (int Fields, bool IsBroken) Walk(ReadOnlySpan<byte> message)
    {
        int fields = 0;
        var walker = new ProtoWalker(message);
        while (walker.Next()) { fields++; }
        return (fields, walker.IsBroken);
    }

    // As much of HPACK as the blocks use.
    private static List<(string Name, string Value)> Decode(ReadOnlySpan<byte> block, List<(string Name, string Value)> table)
    {
        (int Index, string Name, string Value)[] known =
            [(1, ":authority", ""), (3, ":method", "POST"), (4, ":path", "/"), (6, ":scheme", "http"), (31, "content-type", "")];
        var statics = known.ToDictionary(e => e.Index, e => (e.Name, e.Value));
        (string Name, string Value) Entry(int index) => index >= 62 ? table[index - 62] : statics[index];
        var headers = new List<(string Name, string Value)>();
        while (!block.IsEmpty)
        {
            byte first = block[0];
            block = block[1..];
            if (first >= 0x80)
            {
                headers.Add(Entry(first & 0x7f));
                continue;
            }

            int name = first & 0x3f;
            (string Name, string Value) header = (name == 0 ? Text(ref block) : Entry(name).Name, Text(ref block));
            headers.Add(header);
            if (first >= 0x40) { table.Insert(0, header); }
        }

        return headers;
    }

    private static string Text(ref ReadOnlySpan<byte> block)
    {
        int length = block[0];
        block = block[1..];
        if (length == 127)
        {
            for (int shift = 0; ; shift += 7)
            {
                byte more = block[0];
                block = block[1..];
                length += (more & 0x7f) << shift;
                if (more < 0x80) { break; }
            }
        }

        string text = Encoding.ASCII.GetString(block[..length]);
        block = block[length..];
        return text;
    }
}
