using System.Globalization;
using Quorate.Core;

namespace Quorate.Storage.Wal;

/// <summary>Reads the batches of one segment's file through a window, so that a large file costs little memory.</summary>
internal sealed class SegmentReader : IDisposable
{
    private const int WindowBytes = 1024 * 1024;
    private const string Suffix = ".wal";

    private readonly IFile _file;
    private readonly ulong _sequence;
    private byte[] _window = [];
    private long _start;
    private int _count;

    public SegmentReader(IFileSystem files, string path, ulong sequence)
    {
        _file = files.Open(path, OpenMode.Read);
        _sequence = sequence;
        Path = path;
        Length = _file.Length;
    }

    public string Path { get; }

    /// <summary>Length of the file in bytes.</summary>
    public long Length { get; }

    /// <summary>A segment's file name.</summary>
    public static string NameOf(ulong sequence) => sequence.ToString("x16", CultureInfo.InvariantCulture) + Suffix;

    /// <summary>True for the names that <see cref="NameOf"/> gives.</summary>
    public static bool TryParseName(string name, out ulong sequence)
    {
        sequence = 0;
        return name.Length == 20
            && name.EndsWith(Suffix, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out sequence)
            && sequence > 0
            && NameOf(sequence) == name;
    }

    /// <summary>Bytes of the file; fewer at its end. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        count = (int)Math.Clamp(Length - offset, 0, count);
        if (offset < _start || offset + count > _start + _count)
        {
            int want = (int)Math.Min(Math.Max(WindowBytes, count), Length - offset);
            if (_window.Length < want) { _window = new byte[want]; }
            _start = offset;
            _count = _file.Read(offset, _window.AsSpan(0, want));
            count = Math.Min(count, _count);
        }

        return _window.AsSpan((int)(offset - _start), count);
    }

    /// <summary>A header that was written to this place of this segment; its records may be damaged.</summary>
    /// <param name="offset">A multiple of the sector size.</param>
    /// <param name="logId">The log it must belong to; null if that is not known yet.</param>
    /// <param name="header">The header.</param>
    public bool TryReadHeader(long offset, ulong? logId, out BatchHeader header) =>
        BatchHeader.TryRead(Bytes(offset, BatchHeader.Bytes), out header)
            && header.Position == new WalPosition(_sequence, (uint)offset)
            && (logId is null || header.LogId == logId);

    /// <summary>A whole batch.</summary>
    /// <returns>What is wrong at this place; null if the batch is whole.</returns>
    public string? ReadBatch(long offset, ulong? logId, out BatchHeader header, out ReadOnlySpan<byte> body)
    {
        body = default;
        header = default;
        if (offset + BatchHeader.Bytes > Length) { return "the segment ends here"; }
        if (!TryReadHeader(offset, logId, out header)) { return "there is no batch header of this segment"; }
        if (header.BodyBytes > Length - offset - BatchHeader.Bytes)
        {
            return $"a batch of {header.BodyBytes} bytes runs past the end of the segment";
        }

        body = Bytes(offset + BatchHeader.Bytes, (int)header.BodyBytes);
        if (body.Length < header.BodyBytes || Crc32C.Compute(body) != header.BodyCrc) { return "a batch's checksum disagrees"; }
        return header.Version == BatchHeader.CurrentVersion
            ? null
            : $"a batch has format version {header.Version}; this program reads {BatchHeader.CurrentVersion}";
    }

    public void Dispose() => _file.Dispose();
}
