using System.Text.Json.Nodes;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

/// <summary>The definition of a legal history, tried out: some order of the operations, as real time allows, gives every answer.</summary>
internal static class AllOrders
{
    /// <summary>True if there is one. Unanswered operations may have happened or not; refused ones are left out.</summary>
    /// <param name="lines">A short history.</param>
    public static bool AnyExplains(IEnumerable<JsonObject> lines)
    {
        var operations = new Dictionary<int, Operation>();
        foreach (JsonObject line in lines)
        {
            int process = (int)line["process"]!;
            string type = (string)line["type"]!;
            if (type == "invoke") { operations.Add(process, new Operation(line, (long)line["time"]!)); }
            else if (type == "ok") { operations[process] = operations[process] with { Answer = Members(line), Returned = (long)line["time"]! }; }
            else if (type == "fail") { operations.Remove(process); }
        }

        return Explains(new SequentialEtcd(), [.. operations.Values]);
    }

    private static bool Explains(SequentialEtcd store, List<Operation> left)
    {
        if (left.TrueForAll(o => o.Answer is null)) { return true; }
        long firstReturn = left.Min(o => o.Returned);
        foreach (Operation next in left.Where(o => o.Invoked <= firstReturn))
        {
            SequentialEtcd after = store.Copy();
            JsonObject? answer = after.Execute(next.Request);
            bool fits = next.Answer is null || (answer is not null && JsonNode.DeepEquals(JsonNode.Parse(answer.ToJsonString()), next.Answer));
            if (fits && Explains(after, [.. left.Where(o => o != next)])) { return true; }
        }

        return false;
    }

    private static JsonNode Members(JsonObject line)
    {
        var members = (JsonObject)JsonNode.Parse(line.ToJsonString())!;
        foreach (string name in new[] { "process", "type", "f", "time" }) { members.Remove(name); }
        return members;
    }

    private sealed record Operation(JsonObject Request, long Invoked, JsonNode? Answer = null, long Returned = long.MaxValue);
}
