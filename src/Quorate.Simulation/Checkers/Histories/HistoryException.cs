namespace Quorate.Simulation.Checkers;

/// <summary>A file is not a history, or not one of the model's. It says nothing about the system that was observed.</summary>
public sealed class HistoryException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="line">Line at fault, from 1; 0 if it is not one line.</param>
    /// <param name="problem">What is wrong, the rule, and what to do.</param>
    /// <param name="inner">The cause, if any.</param>
    public HistoryException(int line, string problem, Exception? inner = null)
        : base(line > 0 ? $"line {line}: {problem}" : problem, inner)
    {
        Line = line;
        Problem = problem;
    }

    /// <summary>Line at fault, from 1; 0 if it is not one line.</summary>
    public int Line { get; }

    /// <summary>What is wrong, the rule, and what to do; without the line.</summary>
    public string Problem { get; }
}
