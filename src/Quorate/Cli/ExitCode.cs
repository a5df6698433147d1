namespace Quorate.Cli;

/// <summary>What the process tells its caller. Scripts rely on these numbers: they never change.</summary>
internal enum ExitCode
{
    /// <summary>Done as asked.</summary>
    Ok = 0,

    /// <summary>It did not work, for a reason without a number of its own; the message says which.</summary>
    Failed = 1,

    /// <summary>The command line, an environment variable or the configuration file is wrong. Nothing was done.</summary>
    Usage = 2,

    /// <summary>What was asked for is not there, or a condition for it does not hold: no such key, a transaction whose
    /// comparisons failed, a revision that is gone, a data directory of another cluster. Nothing was changed.</summary>
    Precondition = 3,

    /// <summary>No server could be reached. Nothing was sent.</summary>
    CannotConnect = 4,

    /// <summary>The request was sent and no answer came: a write may have happened, or may happen yet.</summary>
    OutcomeUnknown = 5,

    /// <summary>A server answered, and is not well: no leader, an alarm, or too slow.</summary>
    Unhealthy = 10,

    /// <summary>Stored bytes do not read back as written. Nothing was dropped or repaired.</summary>
    Integrity = 12,
}

/// <summary>Ends a verb with an exit code and one message for the operator.</summary>
internal sealed class CliException : Exception
{
    /// <summary>Creates the exception.</summary>
    public CliException(ExitCode code, string message, Exception? inner = null)
        : base(message, inner) => Code = code;

    /// <summary>What the process returns.</summary>
    public ExitCode Code { get; }
}
