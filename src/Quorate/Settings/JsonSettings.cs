using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Quorate.Settings;

/// <summary>Reads the file given with <c>--config</c>: one JSON object, comments and trailing commas allowed.</summary>
internal static class JsonSettings
{
    /// <summary>A configuration is a page, not a database; more is the wrong file.</summary>
    private const int MaxBytes = 1024 * 1024;

    /// <summary>Reads a file. What cannot be used becomes a problem that names file and line.</summary>
    public static List<RawSetting> FromFile(string path, List<string> problems)
    {
        try
        {
            var info = new FileInfo(path);
            if (info.Exists && info.Length > MaxBytes)
            {
                problems.Add($"{path} has {info.Length} bytes; a configuration file has at most {MaxBytes}.");
                return [];
            }

            return FromText(path, File.ReadAllBytes(path), problems);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problems.Add($"{path} cannot be read: {e.Message}");
            return [];
        }
    }

    /// <summary>Reads UTF-8 text.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="utf8">The text.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static List<RawSetting> FromText(string path, ReadOnlySpan<byte> utf8, List<string> problems)
    {
        var found = new List<RawSetting>();
        if (utf8.StartsWith("\uFEFF"u8)) { utf8 = utf8[3..]; }
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = 8,
        });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                problems.Add($"{path} line {Line(utf8, reader)}: the file must be one JSON object, {{ ... }}.");
                return found;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                int line = Line(utf8, reader);
                string name = reader.GetString()!;
                reader.Read();
                string? value = Value(ref reader);
                SettingKey? key = Array.Find(SettingKeys.All, k => k.Json == name);
                if (key is null)
                {
                    problems.Add($"{path} line {line}: there is no setting '{name}'" +
                        $"{SettingsBuilder.Hint(name, SettingKeys.All.Select(k => k.Json))}.");
                }
                else if (value is null)
                {
                    problems.Add($"{path} line {line}: {name} must be text, a number, true or false, or a list of texts.");
                }
                else if (found.Exists(f => f.Key == key))
                {
                    problems.Add($"{path} line {line}: {name} is given twice.");
                }
                else
                {
                    found.Add(new RawSetting(key, value, $"{path} line {line}, {name}"));
                }
            }

            if (reader.Read()) { problems.Add($"{path} line {Line(utf8, reader)}: there is text behind the object."); }
        }
        catch (JsonException e)
        {
            string line = ((e.LineNumber ?? 0) + 1).ToString(CultureInfo.InvariantCulture);
            string message = e.Message.Split(" LineNumber:")[0]; // The position is said in front, counted from one.
            problems.Add($"{path} line {line}: this is not JSON: {message}");
        }
        catch (InvalidOperationException)
        {
            problems.Add($"{path} line {Line(utf8, reader)}: the text is not valid UTF-8.");
        }

        return found;
    }

    // A list becomes the comma-separated text of a flag; an object of texts ("initialCluster") becomes name=value pairs.
    private static string? Value(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String: return reader.GetString();
            case JsonTokenType.Number: return Encoding.UTF8.GetString(reader.ValueSpan);
            case JsonTokenType.True: return "true";
            case JsonTokenType.False: return "false";
            case JsonTokenType.StartArray or JsonTokenType.StartObject: return Joined(ref reader);
            default: return null;
        }
    }

    private static string? Joined(ref Utf8JsonReader reader)
    {
        var parts = new List<string>();
        bool isReadable = true;
        int depth = reader.CurrentDepth;
        string name = "";
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType == JsonTokenType.PropertyName) { name = reader.GetString() + "="; }
            else if (reader.TokenType == JsonTokenType.String) { parts.Add(name + reader.GetString()); }
            else { isReadable = false; }
        }

        return isReadable ? string.Join(',', parts) : null;
    }

    private static int Line(ReadOnlySpan<byte> utf8, in Utf8JsonReader reader) =>
        1 + utf8[..(int)Math.Min(reader.TokenStartIndex, utf8.Length)].Count((byte)'\n');
}
