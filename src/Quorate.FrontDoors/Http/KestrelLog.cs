using Microsoft.Extensions.Logging;
using Quorate.Node.Logging;

namespace Quorate.FrontDoors.Http;

/// <summary>What Kestrel has to say, from warnings up, as lines of ours; at most one per minute and category.</summary>
internal sealed class KestrelLog : ILoggerProvider
{
    private readonly INodeLog _log;
    private readonly LineLimiter _limiter = new(TimeSpan.FromMinutes(1));

    public KestrelLog(INodeLog log) => _log = log;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Category(KestrelLog owner, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning || name == TlsHandshake.LogCategory;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel < LogLevel.Warning)
            {
                // Of a failed handshake Kestrel speaks at this level only; whose it is, is known to the port.
                if (exception is not null) { TlsHandshake.Current?.Failed(exception); }
                return;
            }

            if (!owner._limiter.MayWrite(name, out long suppressed)) { return; }
            owner._log.Write(
                logLevel >= LogLevel.Error ? LogSeverity.Error : LogSeverity.Warning,
                "http-server",
                new LogField("category", name),
                new LogField("message", formatter(state, exception)),
                new LogField("exception", exception?.Message ?? ""),
                new LogField("suppressed", suppressed));
        }
    }
}
