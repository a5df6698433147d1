using System.Text.Json;

namespace Quorate.Simulation.Checkers;

/// <summary>What happened to one user's right to one group of keys, and what the user did with it.</summary>
internal sealed class UserRight
{
    private readonly string _name;
    private readonly List<HistoryOperation> _changes = [];
    private readonly List<HistoryOperation> _looks = [];
    private readonly Dictionary<long, HistoryOperation> _writes = [];
    private readonly List<HistoryOperation> _finals = [];

    public UserRight(string name, IEnumerable<HistoryOperation> operations)
    {
        _name = name;
        foreach (HistoryOperation operation in operations)
        {
            switch (operation.Function)
            {
                case "allow" or "forbid": _changes.Add(operation); break;
                case "look": _looks.Add(operation); break;
                case "final": _finals.Add(operation); break;
                case "write" when _writes.TryAdd(Members(operation.Invoke).Number("value"), operation): break;
                case "write": throw new HistoryException(operation.Invoke.Line, "this value is written a second time; give every write a value of its own.");
                default:
                    throw new HistoryException(
                        operation.Invoke.Line, $"the users model knows allow, forbid, write, look and final, and this is \"{operation.Function}\".");
            }
        }
    }

    /// <summary>Spans in which the user certainly had no right.</summary>
    public int Revocations => _changes.Count(static change => change is { Function: "forbid", Outcome: HistoryOutcome.Ok });

    /// <summary>Operations that were refused for want of the right.</summary>
    public int Denials => _looks.Concat(_writes.Values).Count(IsDenied);

    public void Check(Findings findings)
    {
        foreach (HistoryOperation final in _finals.Where(static final => final.Outcome == HistoryOutcome.Ok)) { CheckFinal(final, Effects(final), findings); }
        for (int i = 0; i < _changes.Count; i++)
        {
            if (_changes[i].Outcome != HistoryOutcome.Ok) { continue; }
            if (_changes[i].Function == "allow") { CheckDenials(_changes[i], Next(i, "forbid"), findings); }
            else { CheckLooks(_changes[i], Next(i, "allow"), findings); }
        }
    }

    private void CheckFinal(HistoryOperation final, Dictionary<long, long> effects, Findings findings)
    {
        foreach ((long value, HistoryOperation write) in _writes)
        {
            bool hasEffect = effects.ContainsKey(value);
            if (write.Outcome == HistoryOutcome.Failed && hasEffect)
            {
                findings.Add("refused write took effect", $"The write of {value} for {_name} was refused, and is there at the end.", Shown(write), Shown(final));
            }
            else if (write.Outcome == HistoryOutcome.Ok && !hasEffect)
            {
                findings.Add("lost write", $"The write of {value} for {_name} was acknowledged, and is not there at the end.", Shown(write), Shown(final));
            }
        }

        for (int i = 0; i < _changes.Count; i++)
        {
            if (_changes[i] is not { Function: "forbid", Outcome: HistoryOutcome.Ok } forbid || !Members(forbid.Completion!).Has("revision")) { continue; }
            long from = Members(forbid.Completion!).Number("revision");
            HistoryOperation? allow = Next(i, "allow");
            long until = allow is null ? long.MaxValue : Members(allow.Invoke).Number("revision");
            foreach ((long value, long revision) in effects.Where(effect => effect.Value > from && effect.Value <= until))
            {
                findings.Add(
                    "write after a revocation",
                    $"The write of {value} for {_name} took effect at revision {revision}, but the right was gone from revision {from} on.",
                    [Shown(forbid), .. _writes.TryGetValue(value, out HistoryOperation? write) ? [Shown(write)] : Array.Empty<(HistoryOperation, string)>()]);
            }
        }
    }

    // A read is of a moment between question and answer.
    private void CheckLooks(HistoryOperation forbid, HistoryOperation? allow, Findings findings)
    {
        long until = allow?.Invoked ?? long.MaxValue;
        foreach (HistoryOperation look in _looks)
        {
            if (look.Outcome != HistoryOutcome.Ok || look.Invoked <= forbid.Returned || look.Returned >= until) { continue; }
            findings.Add("read after a revocation", $"A read for {_name} was answered, but the right had been taken away before it was asked.", Shown(forbid), Shown(look));
        }
    }

    private void CheckDenials(HistoryOperation allow, HistoryOperation? forbid, Findings findings)
    {
        long until = forbid?.Invoked ?? long.MaxValue;
        foreach (HistoryOperation denied in _looks.Concat(_writes.Values).Where(IsDenied))
        {
            if (denied.Invoked <= allow.Returned || denied.Returned >= until) { continue; }
            findings.Add("denied with the right", $"An operation for {_name} was denied, though the right had been given before it was asked.", Shown(allow), Shown(denied));
        }
    }

    // One that failed for certain changed nothing.
    private HistoryOperation? Next(int after, string function) =>
        _changes.Skip(after + 1).FirstOrDefault(change => change.Function == function && change.Outcome != HistoryOutcome.Failed);

    private static bool IsDenied(HistoryOperation operation) =>
        operation.Outcome == HistoryOutcome.Failed && Members(operation.Completion!).Flag("denied");

    private static Dictionary<long, long> Effects(HistoryOperation final) => final.Completion!.Value switch
    {
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(static pair => pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2) =>
            list.EnumerateArray().ToDictionary(static pair => pair[0].GetInt64(), static pair => pair[1].GetInt64()),
        _ => throw new HistoryException(final.Completion.Line, "\"value\" must be a list of values and revisions."),
    };

    private static JsonMembers Members(HistoryEvent line) => new(line.Line, line.Json);

    private static (HistoryOperation, string) Shown(HistoryOperation operation) => (operation, operation.Function switch
    {
        "write" => $"write {operation.Invoke.Value}: {operation.Outcome}",
        _ => operation.Function,
    });
}
