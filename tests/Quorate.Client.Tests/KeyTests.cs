using Xunit;

namespace Quorate.Client.Tests;

/// <summary>Keys and ranges of them.</summary>
public sealed class KeyTests
{
    // Goal: a prefix's range holds exactly the keys that begin so, also where its last byte has no successor.
    [Theory]
    [InlineData(new byte[] { 0x61 })]
    [InlineData(new byte[] { 0x61, 0xff })]
    [InlineData(new byte[] { 0x61, 0xff, 0xff })]
    [InlineData(new byte[] { 0xff, 0xff })]
    [InlineData(new byte[] { 0x00 })]
    [InlineData(new byte[0])]
    public void A_prefix_holds_what_begins_so(byte[] prefix)
    {
        KeyRange range = KeyRange.Prefix(prefix);
        byte[] bytes = [0x00, 0x01, 0x60, 0x61, 0x62, 0xfe, 0xff];
        byte[][] keys =
        [
            .. bytes.Select(static a => (byte[])[a]),
            .. bytes.SelectMany(a => bytes.Select(b => (byte[])[a, b])),
            .. bytes.SelectMany(a => bytes.SelectMany(b => bytes.Select(c => (byte[])[a, b, c]))),
        ];
        Assert.All(keys, key => Assert.Equal(key.AsSpan().StartsWith(prefix), range.Contains(key)));
    }

    [Fact]
    public void Ranges_have_an_order_and_single_keys_no_neighbours()
    {
        Assert.Throws<ArgumentException>(() => KeyRange.Between("b", "a"));
        Assert.Throws<ArgumentException>(() => KeyRange.Between("a", "a"));
        KeyRange between = KeyRange.Between("a", "c");
        Assert.Equal([true, true, false], new[] { "a", "b", "c" }.Select(key => between.Contains(key)));
        Assert.Equal([false, true, false], new[] { "a", "b", "b\0" }.Select(key => KeyRange.Of("b").Contains(key)));
        Assert.Equal([false, true, true], new[] { "a", "b", "z" }.Select(key => KeyRange.From("b").Contains(key)));
        Assert.Equal([false, true], new[] { "b", "b\0" }.Select(key => KeyRange.All.Behind("b").Contains(key)));
    }

    [Fact]
    public void Blobs_are_equal_by_content_and_ordered_by_unsigned_bytes()
    {
        Blob text = "é";
        Blob bytes = new byte[] { 0xc3, 0xa9 };
        Assert.True(text == bytes && text.GetHashCode() == bytes.GetHashCode() && default(Blob) == "");
        Assert.Equal("é", bytes.ToString());
        Assert.True(((Blob)"a").CompareTo(bytes) < 0);
    }
}
