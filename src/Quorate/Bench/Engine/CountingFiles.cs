using Quorate.Core;

namespace Quorate.Bench.Engine;

/// <summary>A file system that counts the bytes written through it. Any thread.</summary>
internal sealed class CountingFiles(IFileSystem files) : IFileSystem
{
    private long _written;

    /// <summary>Bytes of all writes so far, zeros that were filled in ahead included.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <inheritdoc/>
    public IFile Open(string path, OpenMode mode) => new CountingFile(files.Open(path, mode), this);

    /// <inheritdoc/>
    public bool Exists(string path) => files.Exists(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory) => files.List(directory);

    /// <inheritdoc/>
    public void CreateDirectory(string path) => files.CreateDirectory(path);

    /// <inheritdoc/>
    public void DeleteDirectory(string path) => files.DeleteDirectory(path);

    /// <inheritdoc/>
    public void Delete(string path) => files.Delete(path);

    /// <inheritdoc/>
    public void Rename(string from, string to) => files.Rename(from, to);

    /// <inheritdoc/>
    public void HardLink(string existing, string added) => files.HardLink(existing, added);

    /// <inheritdoc/>
    public void SyncDirectory(string directory) => files.SyncDirectory(directory);

    private sealed class CountingFile(IFile file, CountingFiles counter) : IFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(long offset, Span<byte> buffer) => file.Read(offset, buffer);

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            file.Write(offset, bytes);
            Interlocked.Add(ref counter._written, bytes.Length);
        }

        public void SetLength(long length) => file.SetLength(length);

        public void Sync() => file.Sync();

        public void Dispose() => file.Dispose();
    }
}
