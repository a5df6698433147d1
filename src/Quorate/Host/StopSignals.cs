using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Quorate.Host;

/// <summary>SIGINT and SIGTERM ask for a graceful stop; a second one, at least a second later, ends the process at once.</summary>
internal sealed partial class StopSignals : IDisposable
{
    private const int Terminate = 15;
    private const int Interrupt = 2;

    // Tools like timeout(1) signal the process and then its group: the same wish, twice.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;
    private long _firstSignal;
    private volatile int _number;

    /// <summary>Starts to listen.</summary>
    public StopSignals() => _registrations =
        [PosixSignalRegistration.Create(PosixSignal.SIGINT, Take), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Take)];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>
    /// Ends the process by the signal that stopped it, as etcd does after its own graceful stop, so that its parent sees what it sees of
    /// etcd. Without one, or as the first process of a container (the kernel shields it), returns. Everything must be closed before.
    /// </summary>
    public void EndAsEtcd()
    {
        if (_number == 0 || Environment.ProcessId == 1) { return; }
        SetHandler(_number, 0); // SIG_DFL.
        if (Send(Environment.ProcessId, _number) == 0) { Thread.Sleep(Patience); } // The kernel ends us within.
    }

    /// <summary>Asks for a stop as a signal would.</summary>
    public void Request()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The process is past the point where it could be stopped.
        }
    }

    /// <summary>Asks for a stop when stdin ends: whoever started this process holds its other end, and has died or wants it gone.</summary>
    public void RequestWhenInputEnds()
    {
        var reader = new Thread(() =>
        {
            using Stream stdin = Console.OpenStandardInput();
            byte[] buffer = new byte[256];
            try
            {
                while (stdin.Read(buffer) > 0)
                {
                    // Nothing is said on it; only its end matters.
                }
            }
            catch (IOException)
            {
                // As good as its end.
            }

            Request();
        })
        { IsBackground = true, Name = "quorate-stdin" };
        reader.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) { registration.Dispose(); }
        _stop.Dispose();
    }

    private void Take(PosixSignalContext context)
    {
        long first = Interlocked.CompareExchange(ref _firstSignal, Stopwatch.GetTimestamp(), 0);
        if (first != 0 && Stopwatch.GetElapsedTime(first) > Patience) { return; } // The default action: the process ends.
        context.Cancel = true;
        _number = context.Signal == PosixSignal.SIGINT ? Interrupt : Terminate;
        Request();
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetHandler(int number, nint handler);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int process, int number);
}
