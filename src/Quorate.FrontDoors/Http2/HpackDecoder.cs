using System.Text;

namespace Quorate.FrontDoors.Http2;

/// <summary>What a header block is decoded into.</summary>
internal interface IHeaderSink
{
    /// <summary>A header of a name that is known (not <see cref="HeaderName.Other"/>).</summary>
    void Take(HeaderName name, string value);
}

/// <summary>
/// Decodes the header blocks of one connection (RFC 7541), with the default table of 4096 bytes. Whatever breaks the rules is a connection error,
/// since both sides' tables would differ afterwards.
/// </summary>
internal sealed class HpackDecoder(int maxListBytes)
{
    /// <summary>Bytes of the dynamic table that the other side may use (SETTINGS_HEADER_TABLE_SIZE's default).</summary>
    public const int TableBytes = 4096;

    private const int EntryOverheadBytes = 32;

    // A ring: entries are at least 32 bytes, so there are at most 128.
    private readonly HpackField[] _entries = new HpackField[TableBytes / EntryOverheadBytes];
    private byte[] _name = new byte[256];
    private byte[] _value = new byte[1024];
    private int _newest;
    private int _count;
    private int _size;
    private int _maxSize = TableBytes;

    /// <summary>Decodes a whole block.</summary>
    /// <param name="block">All of it.</param>
    /// <param name="sink">Gets the headers that are known.</param>
    /// <returns>False if the headers are larger than allowed: the table is right, the request must be refused.</returns>
    /// <exception cref="Http2Exception">The block is not HPACK.</exception>
    public bool Decode(ReadOnlySpan<byte> block, IHeaderSink sink)
    {
        long listBytes = 0;
        bool mayResize = true;
        while (!block.IsEmpty)
        {
            byte first = block[0];
            if ((first & 0xE0) == 0x20)
            {
                int size = ReadInteger(ref block, 5);
                if (!mayResize || size > TableBytes) { throw Error("a table size out of place or beyond the limit"); }
                _maxSize = size;
                Evict(0);
                continue;
            }

            mayResize = false;
            if ((first & 0x80) != 0)
            {
                HpackField field = Find(ReadInteger(ref block, 7));
                listBytes += field.Size;
                if (field.Name != HeaderName.Other && listBytes <= maxListBytes) { sink.Take(field.Name, field.Text); }
                continue;
            }

            bool isAdded = (first & 0x40) != 0;
            int index = ReadInteger(ref block, isAdded ? 6 : 4);
            HpackField? named = index == 0 ? null : Find(index);
            ReadOnlySpan<byte> name = named is null ? ReadString(ref block, ref _name) : named.NameBytes;
            if (named is null && !IsName(name)) { throw Error("a header's name that is none"); }
            ReadOnlySpan<byte> value = ReadString(ref block, ref _value);
            listBytes += name.Length + value.Length + EntryOverheadBytes;
            if (isAdded)
            {
                HpackField? added = Add(name, value);
                if (added is not null)
                {
                    if (added.Name != HeaderName.Other && listBytes <= maxListBytes) { sink.Take(added.Name, added.Text); }
                    continue;
                }
            }

            HeaderName known = named?.Name ?? HpackField.NameOf(name);
            if (known != HeaderName.Other && listBytes <= maxListBytes) { sink.Take(known, Encoding.ASCII.GetString(value)); }
        }

        return listBytes <= maxListBytes;
    }

    // RFC 9113, 8.2.1: no capital letters, nothing that is no visible ASCII; a colon only in front.
    private static bool IsName(ReadOnlySpan<byte> name) =>
        !name.IsEmpty && !name.ContainsAnyExceptInRange((byte)'!', (byte)'~') && !name.ContainsAnyInRange((byte)'A', (byte)'Z')
        && !name[1..].Contains((byte)':');

    private HpackField Find(int index)
    {
        if (index == 0) { throw Error("index 0"); }
        if (index <= HpackStaticTable.Fields.Length) { return HpackStaticTable.Fields[index - 1]; }
        int back = index - HpackStaticTable.Fields.Length - 1;
        if (back >= _count) { throw Error($"index {index} of a table of {HpackStaticTable.Fields.Length + _count}"); }
        return _entries[(_newest - back + _entries.Length) % _entries.Length];
    }

    // Null: it is larger than the table, which is empty now (RFC 7541, 4.4).
    private HpackField? Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int size = name.Length + value.Length + EntryOverheadBytes;
        if (size > _maxSize)
        {
            Evict(_maxSize);
            return null;
        }

        var field = new HpackField(name.ToArray(), value.ToArray());
        Evict(size);
        _newest = (_newest + 1) % _entries.Length;
        _entries[_newest] = field;
        _count++;
        _size += size;
        return field;
    }

    // Makes room.
    private void Evict(int needed)
    {
        while (_count > 0 && _size + needed > _maxSize)
        {
            int oldest = (_newest - _count + 1 + _entries.Length) % _entries.Length;
            _size -= _entries[oldest].Size;
            _entries[oldest] = null!;
            _count--;
        }
    }

    private static int ReadInteger(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        int mask = (1 << prefixBits) - 1;
        int value = block[0] & mask;
        block = block[1..];
        if (value < mask) { return value; }
        for (int shift = 0; shift < 28; shift += 7)
        {
            if (block.IsEmpty) { throw Error("a number cut short"); }
            byte next = block[0];
            block = block[1..];
            value += (next & 0x7F) << shift;
            if (next < 0x80) { return value; }
        }

        throw Error("a number too large");
    }

    private static ReadOnlySpan<byte> ReadString(ref ReadOnlySpan<byte> block, ref byte[] buffer)
    {
        if (block.IsEmpty) { throw Error("a string is missing"); }
        bool isHuffman = (block[0] & 0x80) != 0;
        int length = ReadInteger(ref block, 7);
        if (length > block.Length) { throw Error("a string cut short"); }
        ReadOnlySpan<byte> bytes = block[..length];
        block = block[length..];
        if (!isHuffman) { return bytes; }
        int most = HpackHuffman.MaxDecoded(length);
        if (buffer.Length < most) { buffer = new byte[most]; } // At most 1.6 times a block, which is limited.
        int decoded = HpackHuffman.Decode(bytes, buffer);
        return decoded < 0 ? throw Error("a string that is no Huffman code") : buffer.AsSpan(0, decoded);
    }

    private static Http2Exception Error(string what) => new(Http2Error.Compression, "a header block has " + what);
}
