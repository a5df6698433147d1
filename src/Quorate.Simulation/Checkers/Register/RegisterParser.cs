using System.Text.Json;

namespace Quorate.Simulation.Checkers;

/// <summary>The operations of one register, as its history tells them.</summary>
internal sealed class RegisterParser
{
    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<HistoryOperation> _all = [];
    private readonly List<RegisterOperation> _operations = [];

    public RegisterParser(string key) => Key = key;

    public string Key { get; }

    /// <summary>Everything that was asked of the register.</summary>
    public IReadOnlyList<HistoryOperation> All => _all;

    /// <summary>What was refused, or is an unanswered read, says nothing about the register: it is not among these.</summary>
    public IReadOnlyList<RegisterOperation> Operations => _operations;

    /// <exception cref="HistoryException">It is no operation of a register.</exception>
    public void Take(HistoryOperation operation)
    {
        _all.Add(operation);
        RegisterOperation taken = new()
        {
            Source = operation,
            Kind = RegisterKind.Read,
            Invoked = operation.Invoked,
            Returned = operation.Returned,
        };
        switch (operation.Function)
        {
            case "read":
                if (operation.Outcome == HistoryOutcome.Ok) { _operations.Add(taken with { Seen = NumberOf(operation.Completion!.Value) }); }
                break;
            case "write":
                taken = taken with { Kind = RegisterKind.Write, Value = NumberOf(operation.Invoke.Value) };
                if (operation.Outcome != HistoryOutcome.Failed) { _operations.Add(taken); }
                break;
            case "cas":
                (JsonElement expected, JsonElement value) = PairOf(operation.Invoke);
                taken = taken with
                {
                    Kind = operation.IsUnknown ? RegisterKind.Attempt : operation.Completion!.Applied ? RegisterKind.Swap : RegisterKind.Mismatch,
                    Seen = NumberOf(expected),
                    Value = NumberOf(value),
                };
                if (operation.Outcome != HistoryOutcome.Failed) { _operations.Add(taken); }
                break;
            default:
                throw new HistoryException(
                    operation.Invoke.Line, $"the register model knows read, write and cas, and this is \"{operation.Function}\".");
        }
    }

    /// <summary>The two values of a compare-and-set.</summary>
    /// <exception cref="HistoryException">There are not two.</exception>
    public static (JsonElement Expected, JsonElement Value) PairOf(HistoryEvent cas) =>
        cas.Value is { ValueKind: JsonValueKind.Array } pair && pair.GetArrayLength() == 2
            ? (pair[0], pair[1])
            : throw new HistoryException(cas.Line, "the \"value\" of cas must be [expected, new]; null stands for no value.");

    private int NumberOf(JsonElement value)
    {
        if (Values.TextOf(value) is not { } text) { return RegisterOperation.Nothing; }
        if (!_numbers.TryGetValue(text, out int number)) { _numbers.Add(text, number = _numbers.Count + 1); }
        return number;
    }
}
