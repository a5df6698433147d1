using System.Globalization;

namespace Quorate.Node.Logging;

/// <summary>How much a line matters.</summary>
public enum LogSeverity
{
    /// <summary>A change of state that is part of normal life.</summary>
    Info,

    /// <summary>Somebody should look at it some day.</summary>
    Warning,

    /// <summary>Somebody should look at it now.</summary>
    Error,
}

/// <summary>One fact of a line.</summary>
/// <param name="Key">Short, stable, kebab-case or a single word.</param>
/// <param name="Value">Any text; quoted and escaped when written.</param>
public readonly record struct LogField(string Key, string Value)
{
    /// <summary>A number, in the invariant culture.</summary>
    public LogField(string key, long value)
        : this(key, value.ToString(CultureInfo.InvariantCulture))
    {
    }
}

/// <summary>Takes one line per change of state. Any thread; never throws; does not wait for the reader of the log.</summary>
public interface INodeLog
{
    /// <summary>Writes a line.</summary>
    /// <param name="severity">How much it matters.</param>
    /// <param name="name">What happened: kebab-case and stable, so that tools can count it.</param>
    /// <param name="fields">Details. Secrets and values of keys never belong here.</param>
    void Write(LogSeverity severity, string name, params ReadOnlySpan<LogField> fields);
}

/// <summary>Writes nowhere.</summary>
public sealed class NoLog : INodeLog
{
    /// <summary>The one instance.</summary>
    public static readonly NoLog Instance = new();

    /// <inheritdoc/>
    public void Write(LogSeverity severity, string name, params ReadOnlySpan<LogField> fields)
    {
    }
}
