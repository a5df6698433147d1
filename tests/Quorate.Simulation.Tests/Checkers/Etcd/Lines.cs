using System.Text.Json.Nodes;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

/// <summary>Histories written by hand, an operation a call.</summary>
internal static class Lines
{
    /// <summary>One operation of a process of its own.</summary>
    /// <param name="from">When it is asked.</param>
    /// <param name="to">When it is answered.</param>
    /// <param name="request">Members of the question, with "f".</param>
    /// <param name="answer">Members of the answer; null: none comes.</param>
    /// <param name="process">The client; by default one that asks at this time only.</param>
    public static JsonObject[] Op(long from, long to, string request, string? answer, int? process = null)
    {
        JsonObject asked = Line(request, "invoke", from, process ?? (int)from);
        if (answer is null) { return [asked]; }
        JsonObject answered = Line(answer, "ok", to, process ?? (int)from);
        answered["f"] = (string)asked["f"]!;
        return [asked, answered];
    }

    public static JsonObject[] Put(long from, long to, string key, string value, long revision) =>
        Op(from, to, $$"""{"f":"put","key":"{{key}}","value":"{{value}}"}""", revision == 0 ? null : $$"""{"revision":{{revision}}}""");

    /// <summary>A version of a key.</summary>
    public static string Kv(string key, string value, long create, long mod, long version) =>
        $$"""{"key":"{{key}}","value":"{{value}}","create":{{create}},"mod":{{mod}},"version":{{version}}}""";

    /// <summary>A range over everything.</summary>
    public static JsonObject[] All(long from, long to, long revision, params string[] kvs) =>
        Op(from, to, """{"f":"range","key":"a","range_end":"\u0000"}""", $$"""{"revision":{{revision}},"kvs":[{{string.Join(',', kvs)}}]}""");

    private static JsonObject Line(string members, string type, long time, int process)
    {
        var line = (JsonObject)JsonNode.Parse(members)!;
        line["process"] = process;
        line["type"] = type;
        line["time"] = time;
        return line;
    }
}
