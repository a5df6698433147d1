using System.Diagnostics;
using System.Globalization;
using Quorate.Core;
using Quorate.Node.Files;

namespace Quorate.Doctor;

/// <summary>The data directory and the disk below it.</summary>
internal static class DiskChecks
{
    private const int Syncs = 100;
    private const int BlockBytes = 4096; // A write of the log is padded to it.

    // Below it a node refuses writes (NodeRuntimeOptions.ReserveBytes), or below a tenth of a small disk.
    private const long Reserve = 256L << 20;

    /// <summary>The directory's state, and the disk's.</summary>
    /// <param name="path">The data directory; need not exist.</param>
    public static IEnumerable<Finding> All(string path)
    {
        string root = Path.GetFullPath(path);
        if (RealFileSystem.Objection(root) is { } objection)
        {
            yield return Finding.Problem(
                "data-directory", $"{root} cannot be written: {objection.Message}", "everything that is acknowledged is stored there",
                "name another one with --data-dir, or change its owner or rights");
            yield break;
        }

        yield return State(root);
        string existing = Existing(root);
        DiskSpace? space = Measure(() => new RealFileSystem(existing).Space());
        if (space is { } room) { yield return Room(existing, room); }
        TimeSpan[]? times = Measure(() => TimeSyncs(existing));
        yield return times is null
            ? Finding.Problem("fsync", $"a file in {existing} cannot be written and synced", "no write could be acknowledged", "look at the disk: dmesg, mount, df")
            : Sync(times);
    }

    /// <summary>Judges times of a small write and its sync, sorted.</summary>
    public static Finding Sync(TimeSpan[] times)
    {
        (TimeSpan half, TimeSpan most) = (times[times.Length / 2], times[times.Length * 99 / 100]);
        string what = string.Create(
            CultureInfo.InvariantCulture, $"a synced write takes {half.TotalMilliseconds:0.00} ms, one in a hundred {most.TotalMilliseconds:0.00} ms");
        const string Why = "each write waits for the log of a majority to be synced, and a leader that waits too long is taken for dead";

        // etcd's guide wants 99 of 100 below 10 ms; a tenth of a second is a heartbeat.
        return most.TotalMilliseconds switch
        {
            > 100 => Finding.Problem("fsync", what, Why, "use a local SSD, keep other writers off it, or raise --heartbeat-interval and --election-timeout"),
            > 10 => Finding.Warning("fsync", what, Why, "use a local SSD, and keep other writers off it"),
            _ => Finding.Ok("fsync", what),
        };
    }

    /// <summary>Judges the room on a disk.</summary>
    public static Finding Room(string path, DiskSpace space)
    {
        long reserve = Math.Min(Reserve, space.TotalBytes / 10);
        string what = $"{space.FreeBytes >> 20} MiB of {space.TotalBytes >> 20} MiB are free where {path} is";
        return space.FreeBytes < reserve
            ? Finding.Problem("disk-space", what, $"below {reserve >> 20} MiB writes are refused", "make room, or move the data directory to a larger disk")
            : space.FreeBytes < 8 * reserve
                ? Finding.Warning("disk-space", what, $"below {reserve >> 20} MiB writes are refused; merging tables needs room for a while", "make room")
                : Finding.Ok("disk-space", what);
    }

    private static Finding State(string root)
    {
        const string Check = "data-directory";
        if (!Directory.Exists(root)) { return Finding.Ok(Check, $"{root} is not there yet; the server creates it"); }
        string[] names = [.. Directory.EnumerateFileSystemEntries(root).Select(p => Path.GetFileName(p)!)];
        if (names.Length == 0) { return Finding.Ok(Check, $"{root} is empty; the server begins a new store in it"); }
        if (!names.Contains(DataDirectoryLock.FileName))
        {
            return Directory.Exists(Path.Combine(root, "member"))
                ? Finding.Problem(
                    Check, $"{root} holds the files of an etcd member", "they are not ours and are not read", "name an empty directory, and move the data over with etcd's clients")
                : Finding.Warning(Check, $"{root} holds {names.Length} files that are not a server's", "a server shares its directory with nobody", "name an empty directory");
        }

        try
        {
            using DataDirectoryLock held = DataDirectoryLock.Take(root);
        }
        catch (DataDirectoryInUseException e)
        {
            return Finding.Ok(Check, e.Message);
        }

        long bytes = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
        return Finding.Ok(Check, $"{root} holds a stopped server's {bytes >> 20} MiB; 'quorate inspect' reads them");
    }

    // In a file of its own that has no name any more when the first byte is written: nothing stays, however this ends.
    private static TimeSpan[] TimeSyncs(string directory)
    {
        var files = new RealFileSystem(directory);
        string name = $"quorate-doctor-{Guid.NewGuid():n}";
        using IFile file = files.Open(name, OpenMode.Create);
        files.Delete(name);
        byte[] block = new byte[BlockBytes];
        var times = new TimeSpan[Syncs];
        for (int i = 0; i < times.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            file.Write((long)i * BlockBytes, block);
            file.Sync();
            times[i] = Stopwatch.GetElapsedTime(start);
        }

        Array.Sort(times);
        return times;
    }

    private static string Existing(string path)
    {
        while (!Directory.Exists(path) && Path.GetDirectoryName(path) is { } above) { path = above; }
        return path;
    }

    private static T? Measure<T>(Func<T> measure)
    {
        try
        {
            return measure();
        }
        catch (DiskException)
        {
            return default;
        }
    }
}
