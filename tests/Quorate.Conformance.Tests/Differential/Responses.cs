using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>
/// What was read from a stream in one step. Events count one by one, since how many come together is a matter of timing; between those of
/// several watches there is no order.
/// </summary>
internal sealed class Responses
{
    private readonly List<JsonObject> _plain = [];
    private readonly List<JsonObject> _events = [];

    public int Count => _plain.Count + _events.Count;

    public void Add(JsonObject response)
    {
        if (response["events"] is not JsonArray events)
        {
            _plain.Add(response);
            return;
        }

        foreach (JsonNode? change in events)
        {
            var one = (JsonObject)response.DeepClone();
            one.Remove("events");
            one["event"] = change!.DeepClone();
            _events.Add(one);
        }
    }

    public Answer AddTo(Answer answer)
    {
        for (int i = 0; i < _plain.Count; i++) { answer.Add(string.Create(CultureInfo.InvariantCulture, $"[{i}]"), _plain[i]); }
        JsonObject[] sorted = [.. _events.OrderBy(static e => e["watch_id"]?.ToString() ?? "", StringComparer.Ordinal)];
        for (int i = 0; i < sorted.Length; i++) { answer.Add(string.Create(CultureInfo.InvariantCulture, $"events[{i}]"), sorted[i]); }
        return answer;
    }
}
