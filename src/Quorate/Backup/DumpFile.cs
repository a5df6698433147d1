using System.Security.Cryptography;
using Quorate.Cli;
using Quorate.Core;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary>A file with a dump, and behind it the SHA-256 that the server sent last, as <c>etcdctl snapshot save</c> writes it.</summary>
internal sealed class DumpFile : IDisposable
{
    private const int BlockBytes = 512;

    private readonly FileStream _file;

    private DumpFile(FileStream file, long dumpBytes, string path)
    {
        _file = file;
        file.Position = 0;
        Dump = new KvDumpReader(new BufferedStream(new Part(file, dumpBytes), 256 * 1024), path);
    }

    /// <summary>What is in it, from the first record on.</summary>
    public KvDumpReader Dump { get; }

    /// <summary>Opens a file and compares its SHA-256.</summary>
    /// <param name="path">The file.</param>
    /// <param name="skipHash">True: it may have none, or another one. The dump's own checksums are compared all the same.</param>
    /// <exception cref="CliException">There is no such file, or it has no hash.</exception>
    /// <exception cref="CorruptFileException">The hash disagrees, or this is no dump.</exception>
    public static DumpFile Open(string path, bool skipHash = false)
    {
        if (!File.Exists(path)) { throw new CliException(ExitCode.Precondition, $"there is no file {path}"); }
        FileStream file = File.OpenRead(path);
        try
        {
            bool hasHash = file.Length % BlockBytes == SHA256.HashSizeInBytes;
            long dumpBytes = hasHash ? file.Length - SHA256.HashSizeInBytes : file.Length;
            if (!hasHash && !skipHash) { throw new CorruptFileException(path, file.Length, "snapshot missing hash but --skip-hash-check=false"); }
            if (hasHash && !skipHash) { CheckHash(file, dumpBytes, path); }
            return new DumpFile(file, dumpBytes, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads all of a file and checks it.</summary>
    /// <returns>What it says of itself, and how many records it has.</returns>
    public static (KvDumpHeader Header, ulong Records) Verify(string path)
    {
        using DumpFile file = Open(path);
        while (file.Dump.MoveNext()) { }
        return (file.Dump.Header, file.Dump.Records);
    }

    public void Dispose() => _file.Dispose();

    private static void CheckHash(FileStream file, long dumpBytes, string path)
    {
        byte[] found = SHA256.HashData(new Part(file, dumpBytes));
        byte[] expected = new byte[SHA256.HashSizeInBytes];
        file.Position = dumpBytes;
        file.ReadExactly(expected);
        if (!found.AsSpan().SequenceEqual(expected))
        {
            throw new CorruptFileException(
                path, dumpBytes, $"expected sha256 [{Convert.ToHexStringLower(expected)}], got [{Convert.ToHexStringLower(found)}]");
        }
    }

    /// <summary>The first bytes of a file, from its start.</summary>
    private sealed class Part : Stream
    {
        private readonly FileStream _file;
        private long _left;

        public Part(FileStream file, long bytes)
        {
            _file = file;
            _left = bytes;
            file.Position = 0;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int read = _file.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
            _left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
