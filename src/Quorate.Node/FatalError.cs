using Quorate.Core;

namespace Quorate.Node;

/// <summary>Why a node stopped by itself. Nothing was acknowledged after it; the process must exit.</summary>
/// <param name="Cause">What was thrown.</param>
public sealed record FatalError(Exception Cause)
{
    /// <summary>Exit code for damage: something durable does not read back as written.</summary>
    public const int IntegrityExitCode = 12;

    /// <summary>What the process should exit with: 12 for damaged data, 1 for everything else.</summary>
    public int ExitCode => ExitCodeOf(Cause);

    /// <summary>The exit code for an exception of <see cref="NodeRuntime.Start"/> or of the node's threads.</summary>
    public static int ExitCodeOf(Exception cause)
    {
        for (Exception? e = cause; e is not null; e = e.InnerException)
        {
            if (e is CorruptFileException) { return IntegrityExitCode; }
        }

        return 1;
    }
}
