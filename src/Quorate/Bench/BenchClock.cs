using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Quorate.Bench;

/// <summary>Waits for a socket with the precision that an open load needs: poll's milliseconds would be its whole latency.</summary>
internal static partial class BenchClock
{
    private const short PollIn = 1;

    /// <summary>Nanoseconds since some moment; never goes back.</summary>
    public static long Now()
    {
        long ticks = Stopwatch.GetTimestamp();
        return Stopwatch.Frequency == 1_000_000_000 ? ticks : (long)(ticks * (1e9 / Stopwatch.Frequency));
    }

    /// <summary>Waits until the socket has something to read, or the time is over.</summary>
    /// <returns>False if the time is over.</returns>
    public static bool WaitReadable(Socket socket, long nanoseconds)
    {
        if (!OperatingSystem.IsLinux()) { return socket.Poll((int)Math.Clamp(nanoseconds / 1000, 0, 1_000_000), SelectMode.SelectRead); }
        var descriptor = new PollDescriptor { Descriptor = (int)socket.Handle, Events = PollIn };
        var timeout = new TimeSpec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        return PPoll(ref descriptor, 1, ref timeout, 0) != 0;
    }

    /// <summary>Waits until one of several sockets has something to read, or the time is over.</summary>
    /// <param name="sockets">At least one.</param>
    /// <param name="isReadable">Filled in: which of them.</param>
    /// <param name="nanoseconds">The time; 0 does not wait.</param>
    public static void WaitReadable(Socket[] sockets, bool[] isReadable, long nanoseconds)
    {
        if (!OperatingSystem.IsLinux())
        {
            List<Socket> ready = [.. sockets];
            Socket.Select(ready, null, null, (int)Math.Clamp(nanoseconds / 1000, 0, 1_000_000));
            for (int i = 0; i < sockets.Length; i++) { isReadable[i] = ready.Contains(sockets[i]); }
            return;
        }

        Span<PollDescriptor> descriptors = stackalloc PollDescriptor[sockets.Length];
        for (int i = 0; i < sockets.Length; i++) { descriptors[i] = new PollDescriptor { Descriptor = (int)sockets[i].Handle, Events = PollIn }; }
        var timeout = new TimeSpec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        int found = PPoll(ref descriptors[0], (nuint)sockets.Length, ref timeout, 0);
        for (int i = 0; i < sockets.Length; i++) { isReadable[i] = found > 0 && descriptors[i].Found != 0; }
    }

    [LibraryImport("libc", EntryPoint = "ppoll")]
    private static partial int PPoll(ref PollDescriptor descriptors, nuint count, ref TimeSpec timeout, nint mask);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Found;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
