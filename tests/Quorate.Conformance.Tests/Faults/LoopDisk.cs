using Xunit;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A file system in a file, so that a power cut can be made of it: what the file holds is what would be on a real disk.</summary>
internal sealed class LoopDisk : IDisposable
{
    private readonly string _path;
    private readonly string _image;
    private readonly string _copy;

    /// <summary>Mounts it on a directory, which is made; skips the test where that is not allowed.</summary>
    public LoopDisk(string path, int megabytes)
    {
        SmallDisk.RemoveStale();
        _path = Directory.CreateDirectory(path).FullName;
        _image = path + ".image";
        _copy = path + ".copy";
        using (FileStream image = File.Create(_image)) { image.SetLength(megabytes * 1024L * 1024); }
        Tool.Run(Tool.Find("mkfs.ext4"), ["-q", "-F", _image]).Succeeded();
        Tool.Result mounted = Mount();
        Assert.SkipUnless(mounted.ExitCode == 0, $"a file cannot be mounted here: {mounted.Error.Trim()}");
        Directory.Delete(Path.Combine(_path, "lost+found"));
    }

    /// <summary>
    /// Copies what has reached the disk; what was written and not synced has not. Nobody may write meanwhile. False if the kernel
    /// wrote something back just then each time it was tried, so that the copy would be of no one moment.
    /// </summary>
    public bool TryCopy()
    {
        for (int attempt = 0; attempt < 5; attempt++)
        {
            File.Copy(_image, _copy, overwrite: true);
            if (Tool.Run("cmp", ["--silent", _image, _copy]).ExitCode == 0) { return true; }
        }

        return false;
    }

    /// <summary>Puts the copy in the disk's place. Nobody may have a file of it open.</summary>
    public void GoBackToCopy()
    {
        Tool.Run("umount", [_path]).Succeeded();
        File.Move(_copy, _image, overwrite: true);
        Mount().Succeeded();
    }

    public void Dispose()
    {
        Tool.Run("umount", [_path]).Succeeded();
        File.Delete(_image);
        File.Delete(_copy);
    }

    // The journal is written when somebody syncs, and otherwise every 300 s instead of every 5.
    private Tool.Result Mount() => Tool.Run(Tool.Find("mount"), ["-o", "loop,commit=300", _image, _path]);
}
