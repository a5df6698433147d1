using System.Text.Json;

namespace Quorate.Simulation.Checkers;

/// <summary>The members of a line, or of an object within one, for models that have more than key and value.</summary>
/// <param name="line">The line, for messages; 0 if there is none.</param>
/// <param name="json">An object.</param>
internal readonly struct JsonMembers(int line, JsonElement json)
{
    private readonly JsonElement _json = json;

    /// <summary>True if the member is there and not null.</summary>
    public bool Has(string name) =>
        _json.TryGetProperty(name, out JsonElement member) && member.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined);

    /// <summary>A text.</summary>
    /// <exception cref="HistoryException">It is missing or no text.</exception>
    public string Text(string name) =>
        _json.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.String
            ? member.GetString()!
            : throw Bad($"\"{name}\" must be a text");

    /// <summary>A whole number, 0 or more, or -1.</summary>
    /// <param name="name">The member.</param>
    /// <param name="otherwise">What its absence means; null if it must be there.</param>
    /// <exception cref="HistoryException">It is not one.</exception>
    public long Number(string name, long? otherwise = null)
    {
        if (otherwise is { } value && !Has(name)) { return value; }
        return _json.TryGetProperty(name, out JsonElement member)
            && member.ValueKind == JsonValueKind.Number && member.TryGetInt64(out long number) && number >= -1
            ? number
            : throw Bad($"\"{name}\" must be a whole number, 0 or more");
    }

    /// <summary>True or false; false if it is missing.</summary>
    /// <exception cref="HistoryException">It is neither.</exception>
    public bool Flag(string name) => Has(name) && RequiredFlag(name);

    /// <summary>True or false.</summary>
    /// <exception cref="HistoryException">It is neither.</exception>
    public bool RequiredFlag(string name) =>
        _json.TryGetProperty(name, out JsonElement member) && member.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? member.GetBoolean()
            : throw Bad($"\"{name}\" must be true or false");

    /// <summary>An object.</summary>
    /// <exception cref="HistoryException">It is not one.</exception>
    public JsonMembers Object(string name) => Of(name, _json.TryGetProperty(name, out JsonElement member) ? member : default);

    /// <summary>A list of objects.</summary>
    /// <exception cref="HistoryException">It is not one.</exception>
    public JsonMembers[] List(string name, bool isOptional = false)
    {
        if (isOptional && !Has(name)) { return []; }
        if (!_json.TryGetProperty(name, out JsonElement member) || member.ValueKind != JsonValueKind.Array) { throw Bad($"\"{name}\" must be a list"); }
        var list = new JsonMembers[member.GetArrayLength()];
        int count = 0;
        foreach (JsonElement item in member.EnumerateArray()) { list[count++] = Of(name, item); }
        return list;
    }

    /// <summary>A list of texts; empty if it is missing.</summary>
    /// <exception cref="HistoryException">It is not one.</exception>
    public IEnumerable<string> Texts(string name)
    {
        if (!Has(name)) { return []; }
        JsonElement member = _json.GetProperty(name);
        return member.ValueKind == JsonValueKind.Array && member.EnumerateArray().All(i => i.ValueKind == JsonValueKind.String)
            ? member.EnumerateArray().Select(i => i.GetString()!)
            : throw Bad($"\"{name}\" must be a list of texts");
    }

    /// <summary>Says that something is wrong with the line.</summary>
    public HistoryException Bad(string problem) => new(line, problem + ".");

    private JsonMembers Of(string name, JsonElement element) =>
        element.ValueKind == JsonValueKind.Object ? new JsonMembers(line, element) : throw Bad($"\"{name}\" must hold objects");
}
