using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;
using Xunit;

namespace Quorate.Tests.Cli;

public class TxnTextTests
{
    [Fact]
    public void Three_parts_as_etcdctl_reads_them()
    {
        TxnRequest txn = TxnText.Parse(
            """
            value("key1") = "overwrite me"
            mod("key 2") > "7"
            version("k") != "0"
            c("k") < "9"
            lease("k") = "1f"

            put key1 "two words"
            del key2 --prefix
            get a b

            get "q\"uoted"
            put key1 'single \ quotes'
            """);
        Assert.Equal(5, txn.Compare.Count);
        Assert.Equal(("key1", "overwrite me"), (txn.Compare[0].Key.ToStringUtf8(), txn.Compare[0].Value.ToStringUtf8()));
        Assert.Equal(Compare.Types.CompareResult.Equal, txn.Compare[0].Result);
        Assert.Equal(("key 2", 7L), (txn.Compare[1].Key.ToStringUtf8(), txn.Compare[1].ModRevision));
        Assert.Equal(Compare.Types.CompareResult.Greater, txn.Compare[1].Result);
        Assert.Equal(Compare.Types.CompareResult.NotEqual, txn.Compare[2].Result);
        Assert.Equal(9, txn.Compare[3].CreateRevision);
        Assert.Equal(0x1f, txn.Compare[4].Lease);

        Assert.Equal("two words", txn.Success[0].RequestPut.Value.ToStringUtf8());
        Assert.Equal("key3", txn.Success[1].RequestDeleteRange.RangeEnd.ToStringUtf8());
        Assert.Equal("b", txn.Success[2].RequestRange.RangeEnd.ToStringUtf8());
        Assert.Equal("q\"uoted", txn.Failure[0].RequestRange.Key.ToStringUtf8());
        Assert.Equal("single \\ quotes", txn.Failure[1].RequestPut.Value.ToStringUtf8());
    }

    [Fact]
    public void Missing_parts_are_empty()
    {
        Assert.Equal(new TxnRequest(), TxnText.Parse(""));
        TxnRequest onlyThen = TxnText.Parse("\nput a b\n");
        Assert.Empty(onlyThen.Compare);
        Assert.Single(onlyThen.Success);
        Assert.Empty(onlyThen.Failure);
    }

    [Fact]
    public void Any_character_may_stand_in_a_word()
    {
        TxnRequest txn = TxnText.Parse("\nput a\0b \0\n");
        Assert.Equal(("a\0b", "\0"), (txn.Success[0].RequestPut.Key.ToStringUtf8(), txn.Success[0].RequestPut.Value.ToStringUtf8()));
    }

    [Theory]
    [InlineData("value(\"a\" = \"b\"", "line 1")]
    [InlineData("value a = b", "line 1")]
    [InlineData("size(\"a\") = \"1\"", "'size'")]
    [InlineData("mod(\"a\") = \"x\"", "whole number")]
    [InlineData("mod(\"a\") ~ \"1\"", "=, !=, < or >")]
    [InlineData("mod(\"a\") = ", "too early")]
    [InlineData("value(\"a\") = \"b", "closing")]
    [InlineData("value(\"a\") = \"b\" c", "follows")]
    [InlineData("\nput a", "line 2: put takes")]
    [InlineData("\nput a b c", "put takes")]
    [InlineData("\nfetch a", "'fetch'")]
    [InlineData("\nget a --bogus", "--bogus")]
    [InlineData("\nget a b --prefix", "not both")]
    [InlineData("\n\n\nget a", "three parts")]
    public void What_cannot_be_read_is_told_with_its_line(string text, string words) =>
        Assert.Contains(words, Assert.Throws<TxnTextException>(() => TxnText.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Prefixes_end_where_the_next_one_begins()
    {
        Assert.Equal("b", KeyRanges.Prefix(Bytes("a")).End.ToStringUtf8());
        Assert.Equal(new byte[] { 0x61, 0x01 }, KeyRanges.Prefix(Bytes("a\0")).End.ToByteArray());
        Assert.Equal(new byte[] { 0x62 }, KeyRanges.Prefix(Google.Protobuf.ByteString.CopyFrom(0x61, 0xff, 0xff)).End.ToByteArray());
        Assert.Equal(new byte[] { 0x00 }, KeyRanges.Prefix(Google.Protobuf.ByteString.CopyFrom(0xff)).End.ToByteArray());
        Assert.Equal(new byte[] { 0x00 }, KeyRanges.Prefix(Google.Protobuf.ByteString.Empty).Key.ToByteArray());
    }

    private static Google.Protobuf.ByteString Bytes(string text) => Google.Protobuf.ByteString.CopyFromUtf8(text);
}
