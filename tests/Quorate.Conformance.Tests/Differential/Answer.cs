using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>What a server answered to a step, as fields that can be compared: a path, e.g. <c>kvs[0].key</c>, and a value.</summary>
internal sealed class Answer(string rpc, long baseRevision)
{
    private const int LongestText = 60;

    private readonly SortedDictionary<string, string> _fields = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Fields => _fields;

    /// <summary>The error, in a line; null if it is none.</summary>
    public string? Refusal =>
        _fields.ContainsKey("http") || _fields.GetValueOrDefault("code") is { } and not "OK"
            ? string.Join(' ', new[] { "http", "code", "message", "body" }.Where(_fields.ContainsKey).Select(name => _fields[name]))
            : null;

    /// <summary>The answer in a line, without what every answer has.</summary>
    public string Summary => "OK " + string.Join(
        ", ", _fields.Where(static f => !f.Key.Contains("header.", StringComparison.Ordinal) && f.Key != "content-type").Select(static f => $"{f.Key} {f.Value}"));

    /// <summary>Adds a field that no mask concerns, e.g. a status.</summary>
    public Answer Add(string path, string value)
    {
        _fields[path] = value;
        return this;
    }

    /// <summary>Adds all fields of a JSON value.</summary>
    public Answer Add(string path, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject { Count: 0 }: _fields[path] = "{}"; break;
            case JsonArray { Count: 0 }: _fields[path] = "[]"; break;
            case JsonObject fields:
                foreach ((string name, JsonNode? value) in fields) { Add(path.Length == 0 ? name : $"{path}.{name}", value); }
                break;
            case JsonArray items:
                // At etcd the keys of a lease have no order, and members that of their ids.
                if (path == "keys") { items = Sorted(items, static item => item.ToString()); }
                if (path == "members") { items = Sorted(items, static item => item["peerURLs"]?[0]?.ToString() ?? ""); }
                for (int i = 0; i < items.Count; i++) { Add(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), items[i]); }
                break;
            default: _fields[path] = Masked(path, node); break;
        }

        return this;
    }

    private static JsonArray Sorted(JsonArray items, Func<JsonNode, string> by) =>
        new([.. items.OrderBy(item => by(item!), StringComparer.Ordinal).Select(static item => item!.DeepClone())]);

    private string Masked(string path, JsonNode? node)
    {
        string name = path[(path.LastIndexOf('.') + 1)..].Split('[')[0];
        string value = node?.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) ?? "null";
        if (RpcTable.BytesFields.Contains(name) || (name == "keys" && value[0] == '"')) { value = Text(value); }
        if (name is "revision" or "create_revision" or "mod_revision" or "compact_revision" or "hash_revision" or "rev") { value = Relative(value); }
        foreach (Mask mask in Masks.All)
        {
            if (mask.Field.IsMatch($"{rpc} {path}")) { value = mask.Shown(value); }
        }

        return value.Length <= LongestText * 4 ? value : string.Create(CultureInfo.InvariantCulture, $"{value[..LongestText]}... of {value.Length}");
    }

    // Quotes stay: a string is not a number.
    private string Relative(string value)
    {
        bool isString = value.StartsWith('"');
        if (!long.TryParse(value.Trim('"'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long revision) || revision <= 0) { return value; }
        long behind = revision - baseRevision;
        string shown = behind == 0 ? "r" : "r" + behind.ToString("+0;-0", CultureInfo.InvariantCulture);
        return isString ? $"\"{shown}\"" : shown;
    }

    // Base64 as text, if it is the one way to write it; otherwise as it came.
    private static string Text(string value)
    {
        string base64 = value.Trim('"');
        byte[] bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out int length) || Convert.ToBase64String(bytes, 0, length) != base64) { return value; }
        string text = Encoding.UTF8.GetString(bytes, 0, length);
        return text.All(static c => c is >= ' ' and <= '~') ? $"'{text}'" : "$" + Convert.ToHexString(bytes, 0, length);
    }
}
