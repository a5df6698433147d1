using System.Buffers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>What the JSON gateway takes, in the words of its requests. What etcd 3.4 takes beside it: the differential suite.</summary>
public sealed class JsonRequestsTests
{
    // Goal: a request means what its client wrote, to the last digit and byte, however it writes it; whatever does not fit is refused, not guessed.
    [Theory]
    [InlineData("{}", "{ }")]
    [InlineData("{\"limit\":1}", "{ \"limit\": \"1\" }")]
    [InlineData("{\"limit\":\"1\"}", "{ \"limit\": \"1\" }")]
    [InlineData("{\"limit\":1.0,\"revision\":\"2e1\"}", "{ \"limit\": \"1\", \"revision\": \"20\" }")]
    [InlineData("{\"limit\":1234567890123456789}", "{ \"limit\": \"1234567890123456789\" }")] // No double holds it.
    [InlineData("{\"limit\":9223372036854775807}", "{ \"limit\": \"9223372036854775807\" }")]
    [InlineData("{\"limit\":\"-9223372036854775808\"}", "{ \"limit\": \"-9223372036854775808\" }")]
    [InlineData("{\"key\":\"YQ==\",\"rangeEnd\":\"Yg==\"}", "{ \"key\": \"YQ==\", \"rangeEnd\": \"Yg==\" }")]
    [InlineData("{\"range_end\":\"YQ\",\"key\":\"__8\"}", "{ \"key\": \"//8=\", \"rangeEnd\": \"YQ==\" }")]
    [InlineData("{\"sort_order\":\"DESCEND\",\"sort_target\":4}", "{ \"sortOrder\": \"DESCEND\", \"sortTarget\": \"VALUE\" }")]
    [InlineData("{\"sort_order\":77}", "{ \"sortOrder\": 77 }")]
    [InlineData("{\"limit\":null,\"key\":null,\"keys_only\":null,\"sort_order\":null}", "{ }")]
    [InlineData("{\"keys_only\":true,\"colour\":{\"a\":[1,{\"b\":null}]}}", "{ \"keysOnly\": true }")]
    [InlineData(" { \"\\u006bey\" : \"YQ==\" } \n", "{ \"key\": \"YQ==\" }")]
    public void A_range_is_read(string json, string wanted) => Assert.Equal(wanted, Read(json, RangeRequest.Descriptor).ToString());

    [Theory]
    [InlineData("{\"limit\":1.5}", "field \"limit\" must be a whole number from -9223372036854775808 to 9223372036854775807")]
    [InlineData("{\"limit\":9223372036854775808}", "field \"limit\" must be a whole number")]
    [InlineData("{\"limit\":1e400}", "field \"limit\" must be a whole number")]
    [InlineData("{\"limit\":\"\"}", "field \"limit\" must be a whole number")]
    [InlineData("{\"limit\":\" 1\"}", "field \"limit\" must be a whole number")]
    [InlineData("{\"limit\":true}", "field \"limit\" must be a whole number")]
    [InlineData("{\"key\":5}", "field \"key\" must be base64")]
    [InlineData("{\"key\":\"a!\"}", "field \"key\" must be base64")]
    [InlineData("{\"key\":\"YQ===\"}", "field \"key\" must be base64")]
    [InlineData("{\"key\":\"Y\"}", "field \"key\" must be base64")]
    [InlineData("{\"keys_only\":\"true\"}", "field \"keys_only\" must be true or false")]
    [InlineData("{\"sort_order\":\"descend\"}", "field \"sort_order\" must be one of NONE, ASCEND, DESCEND")]
    [InlineData("{\"sort_order\":2147483648}", "field \"sort_order\" must be a whole number from -2147483648 to 2147483647")]
    [InlineData("{\"key\":\"YQ==\",\"key\":\"Yg==\"}", "field \"key\" is given twice")]
    [InlineData("{\"rangeEnd\":\"YQ==\",\"range_end\":\"Yg==\"}", "field \"range_end\" is given twice")]
    [InlineData("{\"key\":\"\\ud800\"}", "half of a surrogate pair")]
    [InlineData("[]", "RangeRequest must be an object")]
    [InlineData("null", "RangeRequest must be an object")]
    [InlineData("{} {}", "'{' is invalid after a single JSON value")]
    [InlineData("{\"key\":\"YQ==\"", "")]
    [InlineData("{\"key\":\"YQ==\",}", "")]
    [InlineData("{'key':'YQ=='}", "")]
    public void A_range_is_refused(string json, string words) => Assert.Contains(
        words, Assert.ThrowsAny<JsonException>(() => Read(json, RangeRequest.Descriptor)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{\"success\":[null]}", "RequestOp must be an object")]
    [InlineData("{\"success\":{}}", "field \"success\" must be a list")]
    [InlineData("{\"success\":[{\"request_range\":{},\"request_put\":{}}]}", "fields \"request_range\" and \"request_put\" exclude each other")]
    public void A_transaction_is_refused(string json, string words) => Assert.Contains(
        words, Assert.ThrowsAny<JsonException>(() => Read(json, TxnRequest.Descriptor)).Message, StringComparison.Ordinal);

    // Goal: transactions within each other are read as deep as over gRPC, and one deeper is refused before the stack is.
    [Fact]
    public void Messages_stand_in_each_other_a_hundred_deep_and_no_deeper()
    {
        Assert.IsType<TxnRequest>(Read(Nested(49), TxnRequest.Descriptor));
        Assert.Contains("100 deep", Assert.ThrowsAny<JsonException>(() => Read(Nested(50), TxnRequest.Descriptor)).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<JsonException>(() => Read(Nested(100_000), TxnRequest.Descriptor));

        static string Nested(int levels) =>
            string.Concat(Enumerable.Repeat("{\"success\":[{\"request_txn\":", levels)) + "{}" + string.Concat(Enumerable.Repeat("}]}", levels));
    }

    // Goal: it does not matter where the network cuts a request into pieces.
    [Fact]
    public void A_request_in_pieces_is_the_same_request()
    {
        byte[] json = Encoding.UTF8.GetBytes("{\"key\":\"YWJjZGVm\",\"range_end\":\"__8\",\"limit\":\"12345\",\"keys_only\":true}");
        string whole = JsonRequests.Read(new(json), RangeRequest.Descriptor).ToString()!;
        for (int cut = 1; cut < json.Length; cut++)
        {
            var first = new Piece(json.AsMemory(0, cut), null);
            var last = new Piece(json.AsMemory(cut), first);
            Assert.Equal(whole, JsonRequests.Read(new(first, 0, last, last.Memory.Length), RangeRequest.Descriptor).ToString());
        }
    }

    private static IMessage Read(string json, MessageDescriptor type) => JsonRequests.Read(new(Encoding.UTF8.GetBytes(json)), type);

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null) { return; }
            RunningIndex = before.Memory.Length;
            before.Next = this;
        }
    }
}
