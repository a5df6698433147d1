using Quorate.Core;
using Quorate.Node.Files;
using Quorate.Node.Logging;

namespace Quorate.Node.Loop;

/*
 * Looks once a second how much room the disk has. Below the reserve commands are refused, so that the log can still end
 * segments and flushes can still finish; a quarter more than the reserve is needed to go back, so that it does not flap.
 */
internal sealed class SpaceWatch : IDisposable
{
    private readonly long _reserve;
    private readonly Func<DiskSpace> _measure;
    private readonly Action<bool> _changed;
    private readonly INodeLog _log;
    private readonly LineLimiter _limiter = new(TimeSpan.FromMinutes(1));
    private readonly Lock _gate = new();
    private Timer? _timer;
    private long _freeBytes = -1;
    private volatile bool _isNearlyFull;

    public SpaceWatch(long reserveBytes, Func<DiskSpace> measure, INodeLog log, Action<bool> changed)
    {
        _reserve = reserveBytes;
        _measure = measure;
        _log = log;
        _changed = changed;
    }

    public bool IsNearlyFull => _isNearlyFull;

    public long FreeBytes => Volatile.Read(ref _freeBytes);

    public void Start(TimeSpan period)
    {
        Look();
        _timer = new Timer(static self => ((SpaceWatch)self!).Look(), this, period, period);
    }

    public void Look()
    {
        if (!_gate.TryEnter()) { return; } // A disk that hangs must not gather threads.
        try
        {
            DiskSpace space = _measure();
            Volatile.Write(ref _freeBytes, space.FreeBytes);
            long reserve = Math.Min(_reserve, space.TotalBytes / 10);
            bool isNearlyFull = space.FreeBytes < (_isNearlyFull ? reserve + (reserve / 4) : reserve);
            if (isNearlyFull == _isNearlyFull) { return; }

            _isNearlyFull = isNearlyFull;
            _log.Write(
                isNearlyFull ? LogSeverity.Error : LogSeverity.Info, isNearlyFull ? "disk-nearly-full" : "disk-has-room",
                new LogField("free-bytes", space.FreeBytes), new LogField("reserve-bytes", reserve),
                new LogField("effect", isNearlyFull ? "commands are refused, reads go on" : "commands are taken"));
            _changed(isNearlyFull);
        }
        catch (DiskException e)
        {
            Volatile.Write(ref _freeBytes, -1);
            if (_limiter.MayWrite("space", out _))
            {
                _log.Write(LogSeverity.Warning, "disk-space-unknown", new LogField("reason", e.Message));
            }
        }
        finally
        {
            _gate.Exit();
        }
    }

    public void Dispose() => _timer?.Dispose();
}
