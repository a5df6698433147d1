using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>
/// A request as a case writes it, made into the gateway's JSON. Bytes are written as text (<c>"x*5000"</c>: 5,000 of them; <c>"$00ff"</c>: in
/// hexadecimal), revisions as <c>"r+1"</c>: one behind that at the case's start; <c>"@member.ID"</c> is a field of the last answer that had one.
/// </summary>
internal sealed class RequestText(long baseRevision)
{
    private readonly Dictionary<string, JsonNode> _answers = [];

    /// <summary>Keeps what later requests may refer to.</summary>
    public void Remember(JsonNode? answer)
    {
        if (answer is not JsonObject fields) { return; }
        foreach ((string name, JsonNode? value) in fields) { _answers[name] = value!; }
    }

    public JsonObject Read(string body, MessageDescriptor type) =>
        (JsonObject)Translate(JsonNode.Parse(body.Length == 0 ? "{}" : body)!, type);

    private JsonNode Translate(JsonNode node, MessageDescriptor type)
    {
        var result = new JsonObject();
        foreach ((string name, JsonNode? value) in node.AsObject())
        {
            FieldDescriptor field = type.FindFieldByName(name) ?? throw new ArgumentException($"{type.Name} has no field {name}");
            result[name] = value is JsonArray items
                ? new JsonArray([.. items.Select(item => TranslateValue(item!, field))])
                : TranslateValue(value!, field);
        }

        return result;
    }

    private JsonNode? TranslateValue(JsonNode value, FieldDescriptor field)
    {
        if (value is JsonObject inner) { return Translate(inner, field.MessageType); }
        if (value is not JsonValue plain || !plain.TryGetValue(out string? text)) { return value.DeepClone(); }
        if (text.StartsWith('@')) { return Answered(text)?.DeepClone(); }
        if (field.FieldType == FieldType.Bytes) { return Convert.ToBase64String(Bytes(text)); }
        if (field.FieldType != FieldType.Int64 || !text.StartsWith('r')) { return text; }
        long offset = text.Length == 1 ? 0 : long.Parse(text.AsSpan(1), CultureInfo.InvariantCulture);
        return (baseRevision + offset).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>A header's value, which may refer to an answer too.</summary>
    public string Header(string value) => value.StartsWith('@') ? Answered(value)?.ToString() ?? "" : value;

    // "@member.ID": the field of a field of the last answer that had one.
    private JsonNode? Answered(string reference)
    {
        string[] path = reference[1..].Split('.');
        return path.Skip(1).Aggregate(_answers.GetValueOrDefault(path[0]), static (node, name) => node?[name]);
    }

    private static byte[] Bytes(string text)
    {
        if (text.StartsWith('$')) { return Convert.FromHexString(text.AsSpan(1)); }
        string[] repeated = text.Split('*');
        return repeated.Length == 2 && int.TryParse(repeated[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? Encoding.UTF8.GetBytes(new string(repeated[0][0], count))
            : Encoding.UTF8.GetBytes(text);
    }
}
