using System.Globalization;
using Xunit;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A file system in memory, small enough to be filled in no time.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _path;

    /// <summary>Mounts it on a directory, which is made; skips the test where that is not allowed.</summary>
    public SmallDisk(string path, int megabytes)
    {
        RemoveStale();
        _path = Directory.CreateDirectory(path).FullName;
        Tool.Result mounted = Tool.Run(
            Tool.Find("mount"), ["-t", "tmpfs", "-o", $"size={megabytes.ToString(CultureInfo.InvariantCulture)}m", "tmpfs", _path]);
        Assert.SkipUnless(mounted.ExitCode == 0, $"a file system cannot be mounted here, which needs root: {mounted.Error.Trim()}");
    }

    private long UsedNames
    {
        get
        {
            string[] counts = Tool.Run("stat", ["--file-system", "--format=%c %d", _path]).Succeeded().Split(' ');
            return long.Parse(counts[0], CultureInfo.InvariantCulture) - long.Parse(counts[1], CultureInfo.InvariantCulture);
        }
    }

    private string Filler => Path.Combine(_path, "filler");

    /// <summary>Takes all room but this much.</summary>
    public void Fill(long leaveBytes)
    {
        byte[] zeros = new byte[256 * 1024];
        try
        {
            using FileStream filler = File.Create(Filler, bufferSize: 1);
            for (long left = new DriveInfo(_path).AvailableFreeSpace - leaveBytes; left > 0; left -= zeros.Length)
            {
                filler.Write(zeros.AsSpan(0, (int)Math.Min(left, zeros.Length)));
            }

            for (; leaveBytes == 0;) { filler.Write(zeros.AsSpan(0, 4096)); }
        }
        catch (IOException)
        {
            // Full to the last page, or no new file is allowed either.
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Free() => File.Delete(Filler);

    /// <summary>Leaves no inode for a new file.</summary>
    public void TakeAllNames() => Remount("nr_inodes=" + UsedNames.ToString(CultureInfo.InvariantCulture));

    /// <summary>Allows new files again.</summary>
    public void FreeNames() => Remount("nr_inodes=100000");

    // A file may appear between counting and remounting, which is then refused.
    private void Remount(string option)
    {
        for (int attempt = 0; attempt < 20; attempt++)
        {
            if (Tool.Run("mount", ["-o", "remount," + option, _path]).ExitCode == 0) { return; }
        }
    }

    /// <summary>Unmounts what a run that was killed left mounted; its servers have been ended when the network was made.</summary>
    public static void RemoveStale()
    {
        foreach (string line in File.ReadLines("/proc/mounts"))
        {
            string[] words = line.Split(' ');
            int at = words[0] == "tmpfs" || words[0].StartsWith("/dev/loop", StringComparison.Ordinal) ? words[1].IndexOf(FaultRound.DirectoryPrefix, StringComparison.Ordinal) : -1;
            if (at < 0) { continue; }
            string owner = words[1][(at + FaultRound.DirectoryPrefix.Length)..].Split('-')[0];
            if (!Directory.Exists("/proc/" + owner)) { Tool.Run("umount", ["--lazy", words[1]]); }
        }
    }

    public void Dispose() => Tool.Run("umount", [_path]).Succeeded();
}
