using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Quorate.Core;

/// <summary>A bug in this program. The node must stop: its state can no longer be trusted.</summary>
public sealed class InvariantException : Exception
{
    /// <summary>Creates the exception with the fact that broke and the values that disagree.</summary>
    public InvariantException(string message)
        : base(message)
    {
    }
}

/// <summary>Checks that stay on in release builds. A failure is a bug in this program, never bad input.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantException"/> unless <paramref name="condition"/> holds.</summary>
    /// <param name="condition">What must be true. Its source text becomes part of the message.</param>
    /// <param name="message">Names the values that disagree. Built only on failure, so it may be expensive.</param>
    /// <param name="expression">Filled in by the compiler.</param>
    public static void Holds(
        [DoesNotReturnIf(false)] bool condition,
        [InterpolatedStringHandlerArgument(nameof(condition))] FailureMessage message,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
        {
            throw new InvariantException($"{expression}: {message.Text()}");
        }
    }

    /// <summary>For the branch that no value can reach: <c>throw Invariant.Unreachable(value)</c>.</summary>
    public static InvariantException Unreachable(object? value) => new($"unreachable: {value}");
}

/// <summary>The message of a failed invariant. Holes are evaluated only if the condition is false.</summary>
[InterpolatedStringHandler]
public ref struct FailureMessage
{
    private DefaultInterpolatedStringHandler _text;

    /// <summary>Called by the compiler.</summary>
    public FailureMessage(int literalLength, int formattedCount, bool condition, out bool isNeeded)
    {
        isNeeded = !condition;
        _text = isNeeded ? new(literalLength, formattedCount) : default;
    }

    /// <summary>Called by the compiler.</summary>
    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    /// <summary>Called by the compiler.</summary>
    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    internal string Text() => _text.ToStringAndClear();
}
