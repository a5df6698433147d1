using System.Text;
using Quorate.Core;
using Quorate.Storage.Engine;
using Xunit;

namespace Quorate.Tests.Storage.Engine;

public sealed class Lz4Tests
{
    // Goal: whatever is encoded is decoded to the same bytes, and never takes more than the worst case of the format.
    [Fact]
    public void What_is_encoded_comes_back()
    {
        var random = new Prng(1);
        var encoder = new Lz4Encoder();
        int shrunk = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] bytes = Sample(random, i % 20 == 0 ? 200_000 : 3000);
            byte[] encoded = Encode(encoder, bytes);
            byte[] decoded = new byte[bytes.Length];
            Assert.True(Lz4.TryDecode(encoded, decoded), $"sample {i} of {bytes.Length} bytes");
            Assert.True(decoded.AsSpan().SequenceEqual(bytes), $"sample {i} of {bytes.Length} bytes came back as another");
            Assert.True(Lz4.IsPossible(encoded.Length, bytes.Length), $"sample {i}: {encoded.Length} bytes are said not to hold {bytes.Length}");
            if (encoded.Length < bytes.Length / 2) { shrunk++; }
        }

        Assert.True(shrunk > 500, $"only {shrunk} of 2000 samples shrank to the half: the test sees few copies");
    }

    // Goal: the bytes are those of the LZ4 block format, which other programs read: literal 'a', copy 14 from 1 before, five literals.
    [Fact]
    public void The_bytes_are_those_of_the_format()
    {
        byte[] encoded = Encode(new Lz4Encoder(), "aaaaaaaaaaaaaaaaaaaa"u8);
        Assert.Equal("1a610100506161616161", Convert.ToHexStringLower(encoded));
        byte[] none = Encode(new Lz4Encoder(), []);
        Assert.Equal("00", Convert.ToHexStringLower(none));
        Assert.True(Lz4.TryDecode(none, []));
    }

    // Goal: what another program wrote is read: both outputs are liblz4 1.9.4's, of its fast and of its thorough compressor.
    [Theory]
    [InlineData(
        "ff322f72656769737472792f706f64732f64656661756c742f7765622d3030303030207b227068617365223a2252756e6e696e67222c226e6f6465223a226e30227d3b4100" +
        "094f3739313941000a1f3141000b5f313538333841000a1f3241000b5f323337353741000a0fc3000c5f333136373641000a0fc3000c5f333935393541000a0fc3000c5f34" +
        "3735313441000a0fc3000c5f353534333341000a0fc3000c5f363333353241000a0fc3000c5f373132373141000a0fc3000c4f373931398a020b0fc3000c4f383731308a02" +
        "0a506e32227d3b")]
    [InlineData(
        "f00d2f72656769737472792f706f64732f64656661756c742f7765622d300100f009207b227068617365223a2252756e6e696e67222c226e6f6411005f6e30227d3b410009" +
        "4f3739313941000a1f3141000b5f313538333841000a1f3241000b5f3233373537c300295f3331363736c300295f3339353935c300295f3437353134c300295f3535343333" +
        "c300295f3633333532c300295f3731323731c300290048021f30c300294f383731308a020a506e32227d3b")]
    public void What_liblz4_wrote_is_read(string hex)
    {
        string text = string.Concat(Enumerable.Range(0, 12).Select(
            static i => $"/registry/pods/default/web-{i * 7919 % 100000:00000} {{\"phase\":\"Running\",\"node\":\"n{i % 3}\"}};"));
        byte[] decoded = new byte[text.Length];
        Assert.True(Lz4.TryDecode(Convert.FromHexString(hex), decoded));
        Assert.Equal(text, Encoding.UTF8.GetString(decoded));
    }

    // Goal: one encoder for many blocks gives each what a new one gives, so that equal replicas write equal files.
    [Fact]
    public void An_encoder_keeps_nothing_from_block_to_block()
    {
        var random = new Prng(2);
        var used = new Lz4Encoder();
        for (int i = 0; i < 100; i++)
        {
            byte[] bytes = Sample(random, 5000);
            Assert.Equal(Convert.ToHexString(Encode(new Lz4Encoder(), bytes)), Convert.ToHexString(Encode(used, bytes)));
        }
    }

    // Goal: too small a destination is told, and nothing behind it is written.
    [Fact]
    public void What_does_not_fit_is_told()
    {
        var random = new Prng(3);
        var encoder = new Lz4Encoder();
        for (int i = 0; i < 500; i++)
        {
            byte[] bytes = Sample(random, 600);
            int needed = Encode(encoder, bytes).Length;
            byte[] room = new byte[needed + 8];
            room.AsSpan().Fill(0xEE);
            int most = random.Below(needed);
            Assert.Equal(0, encoder.Encode(bytes, room.AsSpan(0, most)));
            Assert.Equal(-1, room.AsSpan(most).IndexOfAnyExcept((byte)0xEE));
        }
    }

    // Goal: no bytes make the decoder throw or go on for ever, and what it accepts has the length that was asked for.
    [Fact]
    public void Damaged_input_is_refused_or_gives_other_bytes_of_the_same_length()
    {
        var random = new Prng(4);
        var encoder = new Lz4Encoder();
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = Sample(random, 300);
            byte[] encoded = Encode(encoder, bytes);
            switch (i % 4)
            {
                case 0: random.Fill(encoded); break;
                case 1: encoded = encoded[..random.Below(encoded.Length)]; break;
                case 2: encoded[random.Below(encoded.Length)] = 0xFF; break;
                default: encoded[random.Below(encoded.Length)] ^= (byte)(1 << random.Below(8)); break;
            }

            byte[] decoded = new byte[Math.Max(0, bytes.Length + random.Below(3) - 1)];
            if (!Lz4.TryDecode(encoded, decoded)) { refused++; }
        }

        Assert.True(refused > 10_000, $"only {refused} were refused");
    }

    // Goal: each bound of the decoder, one by one.
    [Theory]
    [InlineData("", 0)]             // No sequence at all.
    [InlineData("1061", 2)]         // One literal short of what is asked for.
    [InlineData("2061", 2)]         // Two literals, one is there.
    [InlineData("f061", 16)]        // More literals, no more bytes.
    [InlineData("f0ffffffffffffffffffff", 20)] // A count beyond the destination.
    [InlineData("106101", 6)]       // Half a distance.
    [InlineData("1061000050", 6)]   // Distance 0.
    [InlineData("1061020050", 6)]   // Before the first byte.
    [InlineData("1f610100", 40)]    // More of the copy, no more bytes.
    [InlineData("10610100", 5)]     // A copy at the end.
    [InlineData("1b610100106a", 9)] // A copy beyond the destination.
    public void Bounds_are_checked(string hex, int length) => Assert.False(Lz4.TryDecode(Convert.FromHexString(hex), new byte[length]));

    // Goal: a block that says it is larger than its bytes can hold takes no memory; one that holds something else is told.
    [Fact]
    public void A_packed_block_that_lies_is_damage()
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a record like the one before it;", 40)));
        var file = new ByteWriter();
        BlockHandle handle = StoredBlock.Write(file, 7, 0, text, TableFormat.MarkedVersion, new Lz4Encoder());
        Assert.True(handle.Length < text.Length / 4, $"{handle.Length} bytes");
        Assert.Null(Open(file.Written, handle, out string same));
        Assert.Equal(Encoding.UTF8.GetString(text), same);

        var reader = new ByteReader(file.Written);
        reader.VarUInt();
        byte[] packed = file.Written[reader.Offset..handle.Length].ToArray();
        foreach ((ulong length, string words) in new (ulong, string)[] { (ulong.MaxValue, "says it has"), (int.MaxValue, "says it has"), ((ulong)text.Length + 1, "cannot be unpacked") })
        {
            var lie = new ByteWriter();
            lie.VarUInt(length);
            lie.Raw(packed);
            Assert.Contains(words, OpenAs(lie.ToArray(), StoredBlock.Packed), StringComparison.Ordinal);
        }

        Assert.Contains("kind 9", OpenAs(text, 9), StringComparison.Ordinal);
        Assert.Contains("checksum", Open([.. file.Written[..^1], 0], handle, out _), StringComparison.Ordinal);
    }

    // Goal: what compression does not make smaller by an eighth is stored as it is.
    [Fact]
    public void What_does_not_shrink_stays_as_it_is()
    {
        byte[] bytes = new byte[4000];
        new Prng(6).Fill(bytes);
        var file = new ByteWriter();
        BlockHandle handle = StoredBlock.Write(file, 7, 0, bytes, TableFormat.MarkedVersion, new Lz4Encoder());
        Assert.Equal(bytes.Length, handle.Length);
        Assert.Equal(StoredBlock.Raw, file.Written[handle.Length]);
        Assert.True(file.Written[..handle.Length].SequenceEqual(bytes));
    }

    // A block with a right checksum around the bytes.
    private static string OpenAs(byte[] bytes, byte kind)
    {
        Span<byte> place = stackalloc byte[16];
        place.Clear();
        place[0] = 7;
        byte[] covered = [.. bytes, kind];
        var file = new ByteWriter();
        file.Raw(covered);
        file.U32(Crc32C.Append(Crc32C.Compute(place), covered));
        return Open(file.Written, new BlockHandle(0, bytes.Length), out _) ?? "good";
    }

    private static string? Open(ReadOnlySpan<byte> stored, BlockHandle handle, out string text)
    {
        var block = new Block(stored.Length);
        stored.CopyTo(block.Span);
        string? defect = StoredBlock.Open(ref block, 7, handle, TableFormat.MarkedVersion, pool: null);
        text = Encoding.UTF8.GetString(block.Span);
        block.Release();
        return defect;
    }

    private static byte[] Encode(Lz4Encoder encoder, ReadOnlySpan<byte> bytes)
    {
        byte[] room = new byte[bytes.Length + (bytes.Length / 255) + 16];
        int length = encoder.Encode(bytes, room);
        Assert.True(length > 0, $"{bytes.Length} bytes did not fit into {room.Length}");
        return room[..length];
    }

    // Random bytes, runs, and repeats of earlier parts near and far, mixed.
    private static byte[] Sample(Prng random, int most)
    {
        byte[] bytes = new byte[random.Chance(1, 4) ? random.Below(30) : random.Below(most)];
        for (int at = 0; at < bytes.Length;)
        {
            Span<byte> part = bytes.AsSpan(at, Math.Min(bytes.Length - at, random.Chance(1, 10) ? random.Below(2000) + 1 : random.Below(40) + 1));
            switch (random.Below(4))
            {
                case 0: random.Fill(part); break;
                case 1: part.Fill((byte)random.Below(3)); break;
                default:
                    int from = at == 0 ? 0 : random.Below(at);
                    for (int i = 0; i < part.Length; i++) { part[i] = bytes[from + i]; }
                    break;
            }

            at += part.Length;
        }

        return bytes;
    }
}
