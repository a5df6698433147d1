using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quorate.Simulation.Checkers;

/// <summary>What a line of a history tells.</summary>
public enum HistoryEventType
{
    /// <summary>A client asks.</summary>
    Invoke,

    /// <summary>The answer: it happened.</summary>
    Ok,

    /// <summary>The answer: it certainly did not happen, and never will.</summary>
    Fail,

    /// <summary>No answer that tells: it may have happened, or may happen yet. Of a fault: it began or ended.</summary>
    Info,
}

/// <summary>One line of a history: what a client asked or heard, or a fault, and when. It never changes.</summary>
public sealed class HistoryEvent
{
    /// <summary>The word that stands for the process of a fault.</summary>
    public const string FaultProcess = "nemesis";

    /// <summary>Greatest time: 2^53 - 1 microseconds, which every JSON reader can hold exactly.</summary>
    public const long MaxTime = (1L << 53) - 1;

    private HistoryEvent(JsonElement json) => Json = json;

    /// <summary>The client, 0 or more; -1 if this is a fault.</summary>
    public int Process { get; private init; }

    /// <summary>What kind of line.</summary>
    public HistoryEventType Type { get; private init; }

    /// <summary>The operation's name, as its model spells it: <c>read</c>, <c>txn</c>; of a fault: <c>partition</c>.</summary>
    public required string Function { get; init; }

    /// <summary>The object asked for, if the operation has one; a number is taken as its text.</summary>
    public string? Key { get; private init; }

    /// <summary>Argument or result; its kind is Undefined if the line has no "value".</summary>
    public JsonElement Value { get; private init; }

    /// <summary>False if the operation was carried out and its compare did not hold.</summary>
    public bool Applied { get; private init; }

    /// <summary>Microseconds on the history's one clock.</summary>
    public long Time { get; private init; }

    /// <summary>Line in the file, from 1; 0 if it was made in memory.</summary>
    public int Line { get; private init; }

    /// <summary>The whole line, for members that only some models know.</summary>
    public JsonElement Json { get; }

    /// <summary>True if this tells of a fault, not of a client.</summary>
    public bool IsFault => Process < 0;

    /// <summary>Makes an event in memory, as if it had been read from a file.</summary>
    /// <param name="process">The client, or -1 for a fault.</param>
    /// <param name="type">What kind of line.</param>
    /// <param name="function">The operation's name.</param>
    /// <param name="time">Microseconds, at most <see cref="MaxTime"/>.</param>
    /// <param name="key">The object asked for, if any.</param>
    /// <param name="value">Argument or result, if any.</param>
    /// <param name="applied">False if a compare did not hold.</param>
    /// <param name="more">Further members, which the model knows.</param>
    public static HistoryEvent Create(
        int process,
        HistoryEventType type,
        string function,
        long time,
        string? key = null,
        JsonNode? value = null,
        bool applied = true,
        params ReadOnlySpan<(string Name, JsonNode? Value)> more)
    {
        var line = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            if (process < 0) { json.WriteString("process"u8, FaultProcess); } else { json.WriteNumber("process"u8, process); }
            json.WriteString("type"u8, NameOf(type));
            json.WriteString("f"u8, function);
            if (key is not null) { json.WriteString("key"u8, key); }
            if (value is not null)
            {
                json.WritePropertyName("value"u8);
                value.WriteTo(json);
            }

            if (!applied) { json.WriteBoolean("applied"u8, false); }
            foreach ((string name, JsonNode? member) in more)
            {
                json.WritePropertyName(name);
                if (member is null) { json.WriteNullValue(); } else { member.WriteTo(json); }
            }

            json.WriteNumber("time"u8, time);
            json.WriteEndObject();
        }

        return Of(JsonElement.Parse(line.WrittenSpan), 0);
    }

    /// <summary>Reads the members that all events have.</summary>
    /// <param name="json">The line; must be an object.</param>
    /// <param name="line">Its number, for messages.</param>
    /// <exception cref="HistoryException">A member is missing, of a wrong type or out of range.</exception>
    public static HistoryEvent Of(JsonElement json, int line)
    {
        string function = Member(json, "f") is { ValueKind: JsonValueKind.String } f && f.GetString() is { Length: > 0 } name
            ? name
            : throw Bad(json, line, "f", "the operation's name, a text such as \"read\"");
        return new HistoryEvent(json)
        {
            Line = line,
            Function = function,
            Process = Member(json, "process") switch
            {
                { ValueKind: JsonValueKind.Number } p when p.TryGetInt32(out int process) && process >= 0 => process,
                { ValueKind: JsonValueKind.String } p when p.ValueEquals(FaultProcess) => -1,
                _ => throw Bad(json, line, "process", $"the client, a number from 0 to {int.MaxValue}, or \"{FaultProcess}\" for a fault"),
            },
            Type = Member(json, "type") switch
            {
                { ValueKind: JsonValueKind.String } t when t.ValueEquals("invoke"u8) => HistoryEventType.Invoke,
                { ValueKind: JsonValueKind.String } t when t.ValueEquals("ok"u8) => HistoryEventType.Ok,
                { ValueKind: JsonValueKind.String } t when t.ValueEquals("fail"u8) => HistoryEventType.Fail,
                { ValueKind: JsonValueKind.String } t when t.ValueEquals("info"u8) => HistoryEventType.Info,
                _ => throw Bad(json, line, "type", "\"invoke\", \"ok\", \"fail\" (it had no effect) or \"info\" (nobody knows)"),
            },
            Time = Member(json, "time") is { ValueKind: JsonValueKind.Number } at && at.TryGetInt64(out long time) && time is >= 0 and <= MaxTime
                ? time
                : throw Bad(json, line, "time", $"whole microseconds, from 0 to {MaxTime}"),
            Key = Member(json, "key") switch
            {
                { ValueKind: JsonValueKind.Undefined or JsonValueKind.Null } => null,
                { ValueKind: JsonValueKind.String } k => k.GetString(),
                { ValueKind: JsonValueKind.Number } k => k.GetRawText(),
                _ => throw Bad(json, line, "key", "a text or a number"),
            },
            Applied = Member(json, "applied") switch
            {
                { ValueKind: JsonValueKind.Undefined or JsonValueKind.True } => true,
                { ValueKind: JsonValueKind.False } => false,
                _ => throw Bad(json, line, "applied", "true, or false if a compare did not hold"),
            },
            Value = Member(json, "value"),
        };
    }

    /// <summary>A member that only some models know; its kind is Undefined if the line does not have it.</summary>
    public JsonElement Member(string name) => Member(Json, name);

    /// <inheritdoc/>
    public override string ToString() => Json.GetRawText();

    private static string NameOf(HistoryEventType type) => type switch
    {
        HistoryEventType.Invoke => "invoke",
        HistoryEventType.Ok => "ok",
        HistoryEventType.Fail => "fail",
        _ => "info",
    };

    private static JsonElement Member(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement member) ? member : default;

    private static HistoryException Bad(JsonElement json, int line, string member, string rule)
    {
        string found = Member(json, member) is { ValueKind: not JsonValueKind.Undefined } value
            ? $"is {Shortened(value.GetRawText())}"
            : "is missing";
        return new(line, $"\"{member}\" {found}; it must be {rule}.");
    }

    private static string Shortened(string text) => text.Length <= 60 ? text : text[..57] + "...";
}
