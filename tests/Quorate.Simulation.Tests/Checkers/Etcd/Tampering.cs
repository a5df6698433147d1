using System.Text.Json.Nodes;
using Quorate.Core;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

/// <summary>Changes a history a little, so that it may no longer be legal.</summary>
internal static class Tampering
{
    /// <summary>Gives every operation a process of its own, so that its times may be changed freely.</summary>
    public static void Separate(List<JsonObject> lines)
    {
        var open = new Dictionary<int, int>();
        int next = 0;
        foreach (JsonObject line in lines)
        {
            int process = (int)line["process"]!;
            if ((string)line["type"]! == "invoke") { open[process] = next++; }
            line["process"] = open[process];
        }
    }

    /// <summary>Moves the question or the answer of one operation to another time.</summary>
    public static void MoveInTime(List<JsonObject> lines, Prng random)
    {
        JsonObject line = lines[random.Below(lines.Count)];
        long last = lines.Max(l => (long)l["time"]!);
        JsonObject? other = lines.Find(l => l != line && (int)l["process"]! == (int)line["process"]!);
        long time = random.Between(0, last + 1);
        long otherTime = other is null ? time : (long)other["time"]!;
        line["time"] = (string)line["type"]! == "invoke" ? Math.Min(time, otherTime) : Math.Max(time, otherTime);
    }

    /// <summary>Changes one number, text, truth or list in an answer.</summary>
    public static void ChangeAnswer(List<JsonObject> lines, Prng random)
    {
        JsonObject[] answers = [.. lines.Where(l => (string)l["type"]! == "ok")];
        if (answers.Length == 0) { return; }
        var places = new List<(JsonNode Parent, string? Name, int Index)>();
        Collect(answers[random.Below(answers.Length)], places, isTop: true);
        (JsonNode parent, string? name, int index) = places[random.Below(places.Count)];
        JsonNode old = name is null ? parent[index]! : parent[name]!;
        if (old is JsonArray list)
        {
            if (list.Count > 0) { list.RemoveAt(random.Below(list.Count)); }
            return;
        }

        JsonNode changed = old.GetValueKind() switch
        {
            System.Text.Json.JsonValueKind.Number => Math.Max(0, old.GetValue<long>() + (random.Chance(1, 2) ? 1 : -1)),
            System.Text.Json.JsonValueKind.String => random.Chance(1, 2) ? $"v{random.Below(5)}" : $"k{random.Below(3)}",
            _ => !old.GetValue<bool>(),
        };
        if (name is null) { parent[index] = changed; } else { parent[name] = changed; }
    }

    private static void Collect(JsonNode node, List<(JsonNode Parent, string? Name, int Index)> places, bool isTop)
    {
        if (node is JsonArray list)
        {
            for (int i = 0; i < list.Count; i++) { Add(list[i]!, (list, null, i), places); }
        }
        else if (node is JsonObject members)
        {
            foreach ((string name, JsonNode? member) in members)
            {
                if (!isTop || name is not ("process" or "type" or "f" or "time")) { Add(member!, (members, name, 0), places); }
            }
        }
    }

    private static void Add(JsonNode node, (JsonNode, string?, int) place, List<(JsonNode Parent, string? Name, int Index)> places)
    {
        if (node is not JsonObject) { places.Add(place); }
        Collect(node, places, isTop: false);
    }
}
