using System.Text;
using Quorate.FrontDoors.Http2;
using Xunit;

namespace Quorate.Tests.Http2;

/// <summary>Header blocks as others make them, and as nobody should.</summary>
public class HpackTests
{
    // Goal: three requests of one connection, made by another implementation (python's hpack 4), with Huffman and the dynamic table.
    [Fact]
    public void Blocks_of_another_implementation_are_read()
    {
        var decoder = new HpackDecoder(64 * 1024);
        Assert.Equal(
            "Method=POST Path=/etcdserverpb.KV/Put ContentType=application/grpc Token=abc.0",
            Decode(decoder, "83448f60a924882d9dcb6571af9b8b1aed4f5f8b1d75d0620d263d4c4d6564408449fa96af841c645c1f4083f2b03f8affffffcffea9ffff601f"));
        Assert.Equal(
            "Method=POST Path=/etcdserverpb.KV/Put ContentType=application/grpc Token=abc.1",
            Decode(decoder, "83c1c07f00841c645c3f4083f2b07f8affffffcffea9ffff603f"));
        Assert.Equal(
            "Method=POST Path=/etcdserverpb.KV/Range ContentType=application/grpc Token=abc.2",
            Decode(decoder, "83449060a924882d9dcb6571af9b8b1b4754c5c37f01841c645c5f4083f2b0bf8affffffcffea9ffff605f"));
    }

    // Goal: RFC 7541, C.4 and C.6: the strings of its examples; and every byte alone, coded as appendix B says for its ends.
    [Theory]
    [InlineData("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com")]
    [InlineData("a8eb10649cbf", "no-cache")]
    [InlineData("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT")]
    [InlineData("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com")]
    [InlineData("", "")]
    [InlineData("07", "0")]
    [InlineData("ffc7", "\0")]
    public void Huffman_codes_are_read(string coded, string text)
    {
        byte[] bytes = Convert.FromHexString(coded);
        byte[] decoded = new byte[HpackHuffman.MaxDecoded(bytes.Length) + 1];
        int length = HpackHuffman.Decode(bytes, decoded);
        Assert.Equal(text, Encoding.Latin1.GetString(decoded, 0, Math.Max(length, 0)));
        Assert.Equal(text.Length, length);
    }

    // Goal: RFC 7541, 5.2: padding longer than seven bits, padding that is not ones, and the end of the string spelled out are errors.
    [Theory]
    [InlineData("07ff")]
    [InlineData("00")]
    [InlineData("ffffffff")]
    [InlineData("fffffffc")]
    public void What_is_no_Huffman_code_is_refused(string coded)
    {
        byte[] bytes = Convert.FromHexString(coded);
        Assert.Equal(-1, HpackHuffman.Decode(bytes, new byte[64]));
    }

    // Goal: whatever breaks the rules of HPACK is a connection error, not a wrong header.
    [Theory]
    [InlineData("80")] // Index 0.
    [InlineData("be")] // Index 62 of an empty dynamic table.
    [InlineData("ff80808080808001")] // A number without end.
    [InlineData("0005")] // A name cut short.
    [InlineData("000141")] // A value is missing; and its name has a capital letter.
    [InlineData("0001410131")] // A capital letter.
    [InlineData("00000131")] // An empty name.
    [InlineData("3fe21f")] // A table of 4097 bytes.
    [InlineData("8220")] // A table size behind a header.
    public void Broken_blocks_are_refused(string block)
    {
        var error = Assert.Throws<Http2Exception>(() => Decode(new HpackDecoder(64 * 1024), block));
        Assert.Equal(Http2Error.Compression, error.Error);
    }

    // Goal: the table forgets the oldest first, is emptied by an entry that is larger than it, and obeys a new size.
    [Fact]
    public void The_table_forgets_as_it_should()
    {
        var decoder = new HpackDecoder(64 * 1024);
        string token = Convert.ToHexString(Encoding.ASCII.GetBytes("token"));
        for (int i = 0; i < 300; i++) { Decode(decoder, $"4005{token}02{Convert.ToHexString(Encoding.ASCII.GetBytes($"{i % 100:d2}"))}"); }

        // 4096 / (5 + 2 + 32) = 105 entries are left: the newest is index 62, the oldest 166.
        Assert.Equal("Token=99", Decode(decoder, "be"));
        Assert.Equal("Token=95", Decode(decoder, "ff27"));
        Assert.Throws<Http2Exception>(() => Decode(decoder, "ff28"));
        Assert.Equal("Token=99", Decode(decoder, "3f1d" + "be")); // A table of 60 bytes: one entry.
        Assert.Throws<Http2Exception>(() => Decode(decoder, "bf"));
        Assert.Equal("Token=" + new string('x', 40), Decode(decoder, $"4005{token}28{Convert.ToHexString(Encoding.ASCII.GetBytes(new string('x', 40)))}"));
        Assert.Throws<Http2Exception>(() => Decode(decoder, "be"));
    }

    // Goal: headers that are larger than allowed are told, and the table is right afterwards.
    [Fact]
    public void Headers_too_large_are_told()
    {
        var decoder = new HpackDecoder(100);
        string token = Convert.ToHexString(Encoding.ASCII.GetBytes("token"));
        var sink = new Headers();
        Assert.False(decoder.Decode(Convert.FromHexString($"4005{token}0131bebebe"), sink));
        Assert.Equal(2, sink.Seen.Count); // 38 bytes each.
        Assert.Equal("Token=1", Decode(decoder, "be"));
    }

    // Goal: no bytes make the decoder do anything but answer or throw its own exception.
    [Fact]
    public void Noise_does_no_harm()
    {
        var random = new Random(7);
        int decoded = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] block = new byte[random.Next(40)];
            random.NextBytes(block);
            try
            {
                new HpackDecoder(1000).Decode(block, new Headers());
                decoded++;
            }
            catch (Http2Exception)
            {
                // As it should.
            }
        }

        Assert.InRange(decoded, 1, 19_999);
    }

    private static string Decode(HpackDecoder decoder, string block)
    {
        var headers = new Headers();
        Assert.True(decoder.Decode(Convert.FromHexString(block), headers));
        return string.Join(' ', headers.Seen);
    }

    private sealed class Headers : IHeaderSink
    {
        public List<string> Seen { get; } = [];

        public void Take(HeaderName name, string value) => Seen.Add($"{name}={value}");
    }
}
