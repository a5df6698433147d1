namespace Quorate.Simulation.Checkers;

/// <summary>Joins the lines that ask and answer. A process has one operation open at a time, and none after an unknown outcome.</summary>
internal sealed class OperationPairing
{
    private readonly Dictionary<int, Process> _processes = [];

    /// <summary>Takes the next line of a client.</summary>
    /// <param name="next">The line.</param>
    /// <param name="index">The place of the operation that it may begin.</param>
    /// <returns>The operation that it begins; null if it ends one.</returns>
    /// <exception cref="HistoryException">The line does not fit what its process said before.</exception>
    public HistoryOperation? Take(HistoryEvent next, int index)
    {
        if (!_processes.TryGetValue(next.Process, out Process? process)) { _processes.Add(next.Process, process = new Process()); }
        if (next.Time < process.Time)
        {
            throw new HistoryException(
                next.Line,
                $"process {next.Process} goes back in time, from {process.Time} to {next.Time}; its lines must be in order, on one clock.");
        }

        process.Time = next.Time;
        return next.Type == HistoryEventType.Invoke ? Begin(process, next, index) : End(process, next);
    }

    private static HistoryOperation Begin(Process process, HistoryEvent next, int index)
    {
        if (process.Open is { } open)
        {
            throw new HistoryException(
                next.Line,
                $"process {next.Process} asks {next.Function} while its {open.Function}{At(open.Invoke)} has no answer; give every "
                + "concurrent client a process number of its own.");
        }

        if (process.IsRetired)
        {
            throw new HistoryException(
                next.Line,
                $"process {next.Process} asks again after an operation of unknown outcome, which may still be under way; "
                + "a client that goes on after \"info\" must take a new process number.");
        }

        return process.Open = new HistoryOperation(index, next);
    }

    private static HistoryOperation? End(Process process, HistoryEvent next)
    {
        HistoryOperation open = process.Open ?? throw new HistoryException(
            next.Line, $"process {next.Process} hears of {next.Function}, but asked for nothing: there is no \"invoke\" before this line.");
        if (open.Function != next.Function || (next.Key is not null && open.Key != next.Key))
        {
            throw new HistoryException(
                next.Line,
                $"process {next.Process} hears of {Name(next)}, but asked for {Name(open.Invoke)}{At(open.Invoke)}; \"f\" and \"key\" must be the same.");
        }

        open.Completion = next;
        process.Open = null;
        process.IsRetired = next.Type == HistoryEventType.Info;
        return null;
    }

    private static string Name(HistoryEvent e) => e.Key is null ? e.Function : $"{e.Function} of {e.Key}";

    private static string At(HistoryEvent e) => e.Line > 0 ? $" of line {e.Line}" : "";

    private sealed class Process
    {
        public HistoryOperation? Open { get; set; }

        public bool IsRetired { get; set; }

        public long Time { get; set; }
    }
}
