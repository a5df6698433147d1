namespace Quorate.Simulation.Checkers;

/// <summary>Says in words and with a diagram why the operations of a register have no order.</summary>
internal static class RegisterExplanation
{
    /// <summary>Explains the smallest part that fails.</summary>
    public static Violation Of(RegisterParser register, History history, CheckOptions options)
    {
        IReadOnlyList<RegisterOperation> part = CounterExample.Minimize(register.Operations, options.MaxStates);
        (string rule, string says) = Classify(part, register);
        HistoryOperation[] shown = [.. part.Select(o => o.Source).OfType<HistoryOperation>().Distinct()];
        string name = register.Key.Length == 0 ? "" : $" {register.Key}";
        string count = shown.Length == register.Operations.Count
            ? Values.Count(shown.Length, "operation")
            : $"these {Values.Count(shown.Length, "operation")} (of {register.Operations.Count:N0})";
        string diagram = TimeDiagram.Draw([.. shown.Select(o => DiagramBar.Of(o, LabelOf(o)))], history.Faults, options.Width);
        return new(
            rule,
            $"register{name}: {rule}. {says}\n"
            + $"No order of {count}, one at a time, each between its call and its answer, explains all answers:\n\n{diagram}",
            shown);
    }

    /// <summary>What was asked and answered: "read: 5", "write 5", "cas 1 to 2: no match".</summary>
    public static string LabelOf(HistoryOperation operation)
    {
        string end = operation.Outcome switch { HistoryOutcome.Ok => "", HistoryOutcome.Failed => ": refused", _ => ": no answer" };
        switch (operation.Function)
        {
            case "read":
                return operation.Outcome == HistoryOutcome.Ok ? $"read: {Shown(operation.Completion!.Value)}" : $"read{end}";
            case "write":
                return $"write {Shown(operation.Invoke.Value)}{end}";
            default:
                (System.Text.Json.JsonElement expected, System.Text.Json.JsonElement value) = RegisterParser.PairOf(operation.Invoke);
                string answer = operation.Outcome == HistoryOutcome.Ok ? operation.Completion!.Applied ? ": done" : ": no match" : end;
                return $"cas {Shown(expected)} to {Shown(value)}{answer}";
        }
    }

    private static (string Rule, string Says) Classify(IReadOnlyList<RegisterOperation> part, RegisterParser register)
    {
        foreach (RegisterOperation seer in part.Where(o => o.Sees && o.Seen != RegisterOperation.Nothing))
        {
            RegisterOperation[] setters = [.. register.Operations.Where(o => o.Sets && o.Value == seer.Seen)];
            if (setters.Length == 0)
            {
                HistoryOperation? refused = register.All.FirstOrDefault(o => o.Outcome == HistoryOutcome.Failed && SetsSame(o, seer.Source!));
                return refused is null
                    ? ("phantom value", $"{Name(seer)} saw a value that nobody ever wrote.")
                    : ("refused write seen", $"{Name(seer)} saw the value of {LabelOf(refused)}{Values.At(refused.Invoke)}, which was told to have had no effect.");
            }

            if (setters.All(o => seer.Returned < o.Invoked))
            {
                return ("value from the future", $"{Name(seer)} saw a value before anybody asked to write it.");
            }
        }

        IGrouping<int, RegisterOperation>? twice = part.Where(o => o.Kind == RegisterKind.Swap).GroupBy(o => o.Seen)
            .FirstOrDefault(g => g.Count() > part.Count(o => o.Sets && o.Value == g.Key) + (g.Key == RegisterOperation.Nothing ? 1 : 0));
        if (twice is not null)
        {
            return ("lost update", $"{Name(twice.First())} and {Name(twice.Last())} both replaced the same value, which was written once: one of the updates is lost.");
        }

        if (part.FirstOrDefault(o => o.Kind == RegisterKind.Mismatch) is { } mismatch)
        {
            return ("wrong mismatch", $"{Name(mismatch)} was told that the register held another value than expected; all that time it held that value.");
        }

        foreach (RegisterOperation seer in part.Where(o => o.Sees).OrderByDescending(o => o.Invoked))
        {
            RegisterOperation? newer = part.Where(o => o.Source is not null && o.Returned < seer.Invoked && LeavesOther(o, seer.Seen)).MaxBy(o => o.Returned);
            if (newer is null) { continue; }
            string value = seer.Seen == RegisterOperation.Nothing ? "found no value" : "found an older value";
            return seer.Kind == RegisterKind.Swap
                ? ("stale compare", $"{Name(seer)} {value} as it expected, although {Name(newer)} had already ended.")
                : ("stale read", $"{Name(seer)} {value}, although {Name(newer)} had already ended before the read began.");
        }

        return ("no order", "The answers contradict each other.");
    }

    private static bool LeavesOther(RegisterOperation o, int value) => o.Sets ? o.Value != value : o.Kind == RegisterKind.Read && o.Seen != value;

    private static bool SetsSame(HistoryOperation failed, HistoryOperation seer)
    {
        string? seen = seer.Function == "read"
            ? Values.TextOf(seer.Completion!.Value)
            : Values.TextOf(RegisterParser.PairOf(seer.Invoke).Expected);
        return failed.Function switch
        {
            "write" => Values.TextOf(failed.Invoke.Value) == seen,
            "cas" => Values.TextOf(RegisterParser.PairOf(failed.Invoke).Value) == seen,
            _ => false,
        };
    }

    private static string Name(RegisterOperation o) => $"'{LabelOf(o.Source!)}' of process {o.Source!.Process}{Values.At(o.Source.Invoke)}";

    private static string Shown(System.Text.Json.JsonElement value)
    {
        string text = Values.TextOf(value) ?? Values.None;
        return text.Length <= 24 ? text : text[..21] + "...";
    }
}
