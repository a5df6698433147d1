namespace Quorate.Conformance.Tests.Faults;

/// <summary>A client that treats keys as registers that hold numbers. For one caller at a time.</summary>
internal interface IRegisterClient : IDisposable
{
    /// <summary>The value; null if there is none. Linearizable.</summary>
    /// <exception cref="CallFailedException">It was not read.</exception>
    Task<long?> ReadAsync(string key);

    /// <summary>Sets the value.</summary>
    /// <exception cref="CallFailedException">Says whether it may have happened.</exception>
    Task WriteAsync(string key, long value);

    /// <summary>Sets the value if the present one is as expected; null stands for no value.</summary>
    /// <returns>Whether it was.</returns>
    /// <exception cref="CallFailedException">Says whether it may have happened.</exception>
    Task<bool> CompareAndSetAsync(string key, long? expected, long value);
}

/// <summary>A call brought no answer, or a refusal.</summary>
internal sealed class CallFailedException(string message, bool mayHaveHappened, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>False if it had no effect and never will.</summary>
    public bool MayHaveHappened => mayHaveHappened;
}
