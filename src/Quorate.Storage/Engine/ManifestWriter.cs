using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>
/// Appends edits to the manifest, each durable when <see cref="Append"/> returns, or replaces the file by a short one. Used by
/// one job at a time.
/// </summary>
internal sealed class ManifestWriter(IFileSystem files, string directory, int replaceAtBytes) : IDisposable
{
    private readonly ByteWriter _buffer = new(2 * ManifestFormat.PageBytes);
    private IFile? _file;
    private ulong _generation;
    private long _end;
    private bool _mustReplace = true;
    private long _firstEnd;

    public long Bytes => _end;

    private string FinalPath => EngineFiles.PathOf(directory, EngineFiles.Manifest);

    // Goes on with a manifest that was read and has no torn end. What was read is durable when this returns: a process that
    // was killed may have left it in the page cache only.
    public void Continue(ManifestContent content)
    {
        _file = files.Open(FinalPath, OpenMode.ReadWrite);
        _generation = content.Generation;
        _file.Sync();
        files.SyncDirectory(directory);
        _end = content.End;
        _firstEnd = content.End;
        _mustReplace = false;
    }

    // The next new file must not be mistaken for an older one.
    public void ReplaceLater(ulong generation) => _generation = generation;

    /// <summary>Makes an edit durable.</summary>
    /// <param name="edit">The change.</param>
    /// <param name="whole">The one edit that says all, this change included; for a new file.</param>
    public void Append(ManifestEdit edit, Func<ManifestEdit> whole)
    {
        if (_mustReplace || (_end >= replaceAtBytes && _end >= 2 * _firstEnd))
        {
            Replace(whole());
            return;
        }

        // After a failure nobody knows what the file holds: then a new one is written.
        _mustReplace = true;
        _buffer.Clear();
        ManifestFormat.WriteRecord(_buffer, _generation, _end, edit);
        _file!.Write(_end, _buffer.Written);
        _file.Sync();
        _end += _buffer.Length;
        WriteSeal(_file);
        _mustReplace = false;
    }

    public void Dispose() => _file?.Dispose();

    // A whole manifest: also what a checkpoint carries.
    public static void WriteWhole(ByteWriter buffer, ulong generation, ManifestEdit whole)
    {
        ManifestFormat.WriteHeader(buffer, generation);
        ManifestFormat.WriteRecord(buffer, generation, buffer.Length, whole);
    }

    private void Replace(ManifestEdit whole)
    {
        _mustReplace = true;
        string path = EngineFiles.PathOf(directory, EngineFiles.NewManifest);
        if (files.Exists(path)) { files.Delete(path); }
        _generation++;
        _buffer.Clear();
        WriteWhole(_buffer, _generation, whole);
        IFile file = files.Open(path, OpenMode.Create);
        try
        {
            file.Write(0, _buffer.Written);
            file.Sync();
            files.Rename(path, FinalPath);
            files.SyncDirectory(directory);
            _file?.Dispose();
            _file = null;
            _end = _buffer.Length;
            _firstEnd = _end;
            WriteSeal(file);
            _file = file;
            _mustReplace = false;
        }
        finally
        {
            if (_file != file) { file.Dispose(); }
        }
    }

    // Not synced, and overwritten by the next edit: it only has to be there when the edit before it rots.
    private void WriteSeal(IFile file)
    {
        _buffer.Clear();
        ManifestFormat.WriteRecord(_buffer, _generation, _end, edit: null);
        file.Write(_end, _buffer.Written);
    }
}
