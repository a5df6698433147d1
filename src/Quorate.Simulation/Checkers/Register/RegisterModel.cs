namespace Quorate.Simulation.Checkers;

/// <summary>
/// Linearizable registers (Herlihy and Wing, 1990) with <c>read</c>, <c>write</c> and <c>cas</c>: every operation takes effect at one
/// moment between call and answer. Each key is a register of its own, checked alone (locality); it holds nothing at the start.
/// </summary>
internal sealed class RegisterModel : IModel
{
    // The first violation is the one to understand; making each of hundreds small would take long and help nobody.
    private const int MostExplained = 3;

    public string Name => "register";

    public string About => "linearizable registers with read, write and compare-and-set";

    public Verdict Check(History history, CheckOptions options)
    {
        var byKey = new SortedDictionary<string, RegisterParser>(StringComparer.Ordinal);
        foreach (HistoryOperation operation in history.Operations)
        {
            string key = operation.Key ?? "";
            if (!byKey.TryGetValue(key, out RegisterParser? register)) { byKey.Add(key, register = new RegisterParser(key)); }
            register.Take(operation);
        }

        // The largest first, so that no thread begins it when the others have ended.
        RegisterParser[] registers = [.. byKey.Values.OrderByDescending(r => r.Operations.Count)];
        var kinds = new VerdictKind[registers.Length];
        if (options.Threads > 1)
        {
            Parallel.For(0, registers.Length, new ParallelOptions { MaxDegreeOfParallelism = options.Threads }, Decide);
        }
        else
        {
            for (int i = 0; i < registers.Length; i++) { Decide(i); }
        }

        // The smallest failing register is the easiest to understand.
        RegisterParser[] failing = [.. registers.Where((_, i) => kinds[i] == VerdictKind.Violated).OrderBy(r => r.Operations.Count)];
        string[] undecided = [.. registers.Where((_, i) => kinds[i] == VerdictKind.Undecided).Select(r => r.Key)];
        return new Verdict
        {
            Model = Name,
            Operations = history.Operations.Count,
            Unknown = history.Unknown,
            Keys = registers.Length,
            Violations =
            [
                .. failing.Take(MostExplained).Select(r => RegisterExplanation.Of(r, history, options)),
                .. failing.Skip(MostExplained).Select(r => new Violation("no order", $"register {r.Key}: its operations have no order.", [])),
            ],
            Undecided = undecided.Length == 0
                ? null
                : $"The search for an order was given up after {options.MaxStates} states for key {Values.List(undecided)}. Give every write a value of "
                  + "its own, use more keys, or fewer clients a key.",
        };

        void Decide(int i) => kinds[i] = RegisterCheck.Decide(registers[i].Operations, options.MaxStates).Kind;
    }
}
