namespace Quorate.Bench;

/// <summary>
/// HPACK header blocks (RFC 7541) of one connection's requests. Each header is sent as text once, and by its place in the server's
/// table from then on: a handful of bytes, which the server need not decode. Blocks must be sent in the order in which they are made.
/// </summary>
internal sealed class HeaderBlocks
{
    private const int FirstDynamic = 62; // RFC 7541, appendix A has 61 entries.
    private const int PathByIndex = 4;
    private const int AuthorityByIndex = 1;
    private const int ContentTypeByIndex = 31;
    private const int LongValue = 512; // A token: it must not push the others out of the table's 4,096 bytes.

    private readonly byte _scheme;
    private readonly (int NameIndex, string Name, string Value)[] _headers;
    private readonly List<(string Name, string Value)> _table = [];
    private readonly Dictionary<string, byte[]> _short = [];

    /// <summary>Blocks of requests to one server.</summary>
    /// <param name="authority">Host and port.</param>
    /// <param name="isTls">https.</param>
    /// <param name="metadata">More headers; names in lower case.</param>
    public HeaderBlocks(string authority, bool isTls = false, params (string Name, string Value)[] metadata)
    {
        _scheme = isTls ? (byte)0x87 : (byte)0x86;
        _headers =
        [
            (AuthorityByIndex, ":authority", authority), (ContentTypeByIndex, "content-type", "application/grpc"), (0, "te", "trailers"),
            .. metadata.Select(h => (0, h.Name, h.Value)),
        ];
    }

    /// <summary>The block of the next request. Valid until the next call.</summary>
    /// <param name="path"><c>/package.Service/Method</c>.</param>
    public byte[] For(string path)
    {
        if (_short.TryGetValue(path, out byte[]? block)) { return block; }
        int known = _table.Count;
        var bytes = new List<byte> { 0x83, _scheme }; // :method POST
        Header(bytes, PathByIndex, ":path", path);
        foreach ((int nameIndex, string name, string value) in _headers) { Header(bytes, nameIndex, name, value); }
        block = [.. bytes];

        // What was sent as text has a place the next time, and moves the places of all others.
        if (_table.Count == known) { _short.Add(path, block); }
        else { _short.Clear(); }
        return block;
    }

    /// <summary>A header as text, not to be remembered; may follow any block.</summary>
    public static byte[] Once(string name, string value)
    {
        var bytes = new List<byte> { 0 };
        Http2Frames.Text(bytes, name);
        Http2Frames.Text(bytes, value);
        return [.. bytes];
    }

    private void Header(List<byte> block, int nameIndex, string name, string value)
    {
        int at = _table.IndexOf((name, value));
        if (at >= 0)
        {
            // The latest comes first.
            block.Add((byte)(0x80 | FirstDynamic + _table.Count - 1 - at));
            return;
        }

        // A literal that is to be remembered (01xxxxxx), or one that is not (0000xxxx).
        bool isRemembered = value.Length < LongValue;
        block.Add((byte)(isRemembered ? 0x40 | nameIndex : 0));
        if (nameIndex == 0 || !isRemembered) { Http2Frames.Text(block, name); }
        Http2Frames.Text(block, value);
        if (isRemembered) { _table.Add((name, value)); }
    }
}
