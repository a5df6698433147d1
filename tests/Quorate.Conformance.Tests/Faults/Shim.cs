using System.Diagnostics;
using System.Globalization;
using System.IO.MemoryMappedFiles;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Gives orders to <c>shim.c</c> in one server: its syncs, writes and wall clock.</summary>
internal sealed class Shim : IDisposable
{
    private const int ClockOffset = 0;
    private const int SyncDelay = 8;
    private const int WriteDelay = 16;
    private const int SyncsToFail = 24;
    private const int WritesToFail = 32;
    private const int CallsToCrash = 40;
    private const int DelayCount = 48;
    private const int FailedSyncCount = 56;
    private const int FailedWriteCount = 64;
    private const int CrashCount = 72;
    private const int ClockReadCount = 80;
    private const int Size = 88;

    private readonly string _file;
    private readonly string _libraryDirectory;
    private readonly string _dataDirectory;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _orders;

    /// <summary>Orders for the server that keeps its data in a directory, in a file beside it.</summary>
    public Shim(string dataDirectory)
    {
        _libraryDirectory = Library.Value;
        _dataDirectory = dataDirectory;
        _file = dataDirectory + ".orders";
        File.WriteAllBytes(_file, new byte[Size]);
        _map = MemoryMappedFile.CreateFromFile(_file, FileMode.Open);
        _orders = _map.CreateViewAccessor(0, Size);
    }

    // Built once for all, beside the tests; the name is the one by which .NET asks for the C library.
    private static Lazy<string> Library { get; } = new(() =>
    {
        string directory = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "shim")).FullName;
        string unfinished = Path.Combine(directory, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + ".so");
        Tool.Run(
            Tool.Find("gcc"),
            ["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", unfinished, Path.Combine(AppContext.BaseDirectory, "shim.c"), "-ldl"])
            .Succeeded();
        File.Move(unfinished, Path.Combine(directory, "libc.so"), overwrite: true);
        return directory;
    });

    /// <summary>Writes and syncs that had to wait so far.</summary>
    public long Delays => _orders.ReadInt64(DelayCount);

    /// <summary>Syncs that ended with EIO so far.</summary>
    public long FailedSyncs => _orders.ReadInt64(FailedSyncCount);

    /// <summary>Writes that ended with EIO so far.</summary>
    public long FailedWrites => _orders.ReadInt64(FailedWriteCount);

    /// <summary>Kills at a call so far.</summary>
    public long Crashes => _orders.ReadInt64(CrashCount);

    /// <summary>How often the server read a wall clock that was wrong.</summary>
    public long WrongClockReads => _orders.ReadInt64(ClockReadCount);

    /// <summary>Adds what makes a process load the shim.</summary>
    public void AddTo(ProcessStartInfo start)
    {
        start.Environment["LD_PRELOAD"] = Path.Combine(_libraryDirectory, "libc.so");
        start.Environment["LD_LIBRARY_PATH"] = _libraryDirectory;
        start.Environment["SHIM_ORDERS"] = _file;
        start.Environment["SHIM_DATA"] = _dataDirectory + "/";
    }

    /// <summary>Moves the wall clock by this much from the true time.</summary>
    public void SetClock(TimeSpan offset) => _orders.Write(ClockOffset, offset.Ticks * TimeSpan.NanosecondsPerTick);

    /// <summary>Makes each sync wait.</summary>
    public void DelaySyncs(TimeSpan delay) => _orders.Write(SyncDelay, delay.Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>Makes each write, and each sync, wait.</summary>
    public void DelayWrites(TimeSpan delay) => _orders.Write(WriteDelay, delay.Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>Lets the next syncs fail with EIO.</summary>
    public void FailSyncs(int count) => _orders.Write(SyncsToFail, (long)count);

    /// <summary>Lets the next writes fail with EIO.</summary>
    public void FailWrites(int count) => _orders.Write(WritesToFail, (long)count);

    /// <summary>Kills the process at this write, sync, rename or unlink from now on; 0 takes that back.</summary>
    public void CrashAtCall(int number) => _orders.Write(CallsToCrash, (long)number);

    public void Dispose()
    {
        _orders.Dispose();
        _map.Dispose();
    }
}
