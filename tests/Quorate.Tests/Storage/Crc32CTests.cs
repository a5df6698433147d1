// Goal: checksums of pieces combine to that of the whole, whatever their lengths; HashKV rests on it.
using Quorate.Core;
using Xunit;

namespace Quorate.Tests.Storage;

public class Crc32CTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(7, 9)]
    [InlineData(4096, 1)]
    [InlineData(3, 70_001)]
    public void Checksums_of_two_pieces_give_that_of_both(int first, int second)
    {
        byte[] bytes = new byte[first + second];
        var prng = new Prng(5);
        for (int i = 0; i < bytes.Length; i++) { bytes[i] = (byte)prng.Next(); }
        uint combined = Crc32C.Combine(Crc32C.Compute(bytes.AsSpan(0, first)), Crc32C.Compute(bytes.AsSpan(first)), second);
        Assert.Equal(Crc32C.Compute(bytes), combined);
    }
}
