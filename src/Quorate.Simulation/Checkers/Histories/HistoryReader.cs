using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Quorate.Simulation.Checkers;

/// <summary>Reads a history: one JSON object a line, as DESIGN.md describes. Nothing is skipped and nothing is guessed.</summary>
public static class HistoryReader
{
    /// <summary>Most bytes of a line: 16 MiB, far above any real operation; without a bound, a file without line ends fills the memory.</summary>
    public const int MaxLineBytes = 16 * 1024 * 1024;

    /// <summary>Most lines of a file: 50 million, about what fits into 32 GiB of memory.</summary>
    public const int MaxLines = 50_000_000;

    /// <summary>The version of the format that this reads and writes.</summary>
    public const int Version = 1;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads to the end of the stream.</summary>
    /// <exception cref="HistoryException">A line is not of the format; the message names it, the rule, and what to do.</exception>
    public static History Read(Stream stream)
    {
        var history = new History();
        int number = 0;
        foreach (ReadOnlyMemory<byte> line in Lines(stream))
        {
            number++;
            if (number > MaxLines) { throw new HistoryException(number, $"the file is too long; at most {MaxLines} lines are read."); }
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) < 0) { continue; }
            JsonElement json = Parse(line, number);
            if (number == 1 && json.TryGetProperty("history"u8, out JsonElement version)) { ReadHeader(history, json, version); }
            else { history.Add(HistoryEvent.Of(json, number)); }
        }

        return history;
    }

    private static JsonElement Parse(ReadOnlyMemory<byte> line, int number)
    {
        JsonElement json;
        try
        {
            json = JsonElement.Parse(line.Span, Strict);
            if (!Utf8.IsValid(line.Span) || line.Span.IndexOf("\\u"u8) >= 0) { ReadTexts(json); }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new HistoryException(
                number,
                $"this is not one JSON object ({Shown(line.Span)}); if the recorder was stopped while it wrote its last line, remove that line.",
                e);
        }

        return json.ValueKind == JsonValueKind.Object
            ? json
            : throw new HistoryException(number, $"a line must be a JSON object, and this is {Shown(line.Span)}.");
    }

    // The parser accepts texts that are no Unicode (half a surrogate pair, bad UTF-8) and throws when one is asked for: ask now.
    private static void ReadTexts(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                json.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in json.EnumerateArray()) { ReadTexts(item); }
                break;
            case JsonValueKind.Object:
                foreach (JsonProperty member in json.EnumerateObject())
                {
                    _ = member.Name;
                    ReadTexts(member.Value);
                }

                break;
            default:
                break;
        }
    }

    private static void ReadHeader(History history, JsonElement json, JsonElement version)
    {
        if (version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int found) || found != Version)
        {
            throw new HistoryException(1, $"\"history\" is {version.GetRawText()}; this program reads version {Version} of the format.");
        }

        if (json.TryGetProperty("model"u8, out JsonElement model))
        {
            history.Model = model.ValueKind == JsonValueKind.String
                ? model.GetString()
                : throw new HistoryException(1, $"\"model\" is {model.GetRawText()}; it must be a text such as \"register\".");
        }

        if (json.TryGetProperty("about"u8, out JsonElement about)) { history.About = about; }
    }

    // Each line is valid until the next one is asked for.
    private static IEnumerable<ReadOnlyMemory<byte>> Lines(Stream stream)
    {
        byte[] buffer = new byte[64 * 1024];
        int start = 0;
        int end = 0;
        int searched = 0;
        int number = 1;
        while (true)
        {
            int newline = buffer.AsSpan(searched, end - searched).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                yield return buffer.AsMemory(start, searched + newline - start);
                number++;
                start = searched = searched + newline + 1;
                continue;
            }

            if (end - start > MaxLineBytes)
            {
                throw new HistoryException(number, $"the line is longer than {MaxLineBytes} bytes; is this a file of JSON lines?");
            }

            if (start > 0)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
            }
            else if (end == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            searched = end;
            int read = stream.Read(buffer, end, buffer.Length - end);
            if (read == 0) { break; }
            end += read;
        }

        if (end > start) { yield return buffer.AsMemory(start, end - start); }
    }

    private static string Shown(ReadOnlySpan<byte> line)
    {
        string text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, 60)]);
        var shown = new StringBuilder();
        foreach (char c in text) { shown.Append(char.IsControl(c) ? '.' : c); }
        return line.Length > 60 ? $"'{shown}...'" : $"'{shown}'";
    }
}
