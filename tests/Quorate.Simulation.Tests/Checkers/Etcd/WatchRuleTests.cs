using System.Text.Json.Nodes;
using Quorate.Simulation.Checkers;
using Xunit;
using static Quorate.Simulation.Tests.Checkers.Etcd.Lines;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

/// <summary>What a watch must tell: a store with five revisions, and one watch that goes wrong in each way.</summary>
public sealed class WatchRuleTests
{
    private const string A2 = """{"type":"put","key":"a","value":"1","create":2,"mod":2,"version":1}""";
    private const string B3 = """{"type":"put","key":"b","value":"2","create":3,"mod":3,"version":1}""";
    private const string A4 = """{"type":"put","key":"a","value":"3","create":2,"mod":4,"version":2,"prev_kv":{"key":"a","value":"1","create":2,"mod":2,"version":1}}""";
    private const string C4 = """{"type":"put","key":"c","value":"4","create":4,"mod":4,"version":1}""";
    private const string B5 = """{"type":"delete","key":"b","mod":5,"prev_kv":{"key":"b","value":"2","create":3,"mod":3,"version":1}}""";
    private const string D6 = """{"type":"put","key":"d","value":"6","create":6,"mod":6,"version":1}""";
    private const string Everything = """ "range_end":"\u0000","start_revision":2,"prev_kv":true """;

    private static readonly JsonObject[] Store =
    [
        .. Put(10, 11, "a", "1", 2),
        .. Put(12, 13, "b", "2", 3),
        .. Op(
            14,
            15,
            """{"f":"txn","success":[{"f":"put","key":"a","value":"3"},{"f":"put","key":"c","value":"4"}]}""",
            """{"revision":4,"succeeded":true,"responses":[{},{}]}"""),
        .. Op(16, 17, """{"f":"delete","key":"b"}""", """{"revision":5,"deleted":1}"""),
        .. Put(18, 19, "d", "6", 6),
    ];

    [Fact]
    public void What_etcd_tells_is_legal()
    {
        Holds(Everything, Told(A2, B3), Told(A4, C4, B5), Progress(5), Told(D6), Progress(6));
        Holds(Everything, Told(A2), Told(B3));
        Holds(""" "range_end":"\u0000","start_revision":4,"filters":["nodelete"] """, Told(A4, C4, D6));
        Holds(""" "start_revision":3 """, Told(A4), Progress(6));
        Holds(""" "range_end":"c" """, Told(B5)); // From now: the answer to the opening named revision 4.
        Holds(""" "start_revision":9 """, Progress(6));
    }

    [Fact]
    public void Each_rule_is_named()
    {
        Fails("watch: filter", """ "start_revision":2 """, Told(A2), Told(B3));
        Fails("watch: filter", """ "range_end":"c","start_revision":2,"filters":["nodelete"] """, Told(A2, B3), Told(B5));
        Fails("watch: ordered", Everything, Told(A2), Told(A4, C4), Told(B3));
        Fails("watch: unique", Everything, Told(A2), Told(B3), Told(B3));
        Fails("watch: atomic", Everything, Told(A2), Told(B3), Told(A4), Told(C4));
        Fails("watch: atomic", Everything, Told(A2), Told(B3), Told(A4), Told(B5));
        Fails("watch: bookmarkable", Everything, Told(A2), Progress(3), Told(B3));
        Fails("watch: bookmarkable", Everything, Told(A2), Told(B3), Progress(2));
        Fails("watch: bookmarkable", Everything, Told(A2, B3, A4, C4), Progress(6));
        Fails("watch: resumable", Everything, Told(B3));
        Fails("watch: resumable", """ "range_end":"c","start_revision":4 """, Told(B3));
        Fails("watch: resumable", """ "range_end":"\u0000" """, Told(D6));
        Fails("watch: reliable", Everything, Told(A2), Told(A4, C4));
        Fails("watch: reliable", Everything, Told(A2, B3), Told(A4, C4), Told(D6));
        Fails("watch: isCreate", Everything, Told(A2, B3.Replace("\"version\":1", "\"version\":2", StringComparison.Ordinal)));
        Fails("watch: wrong version", Everything, Told(A2, B3.Replace("\"value\":\"2\"", "\"value\":\"7\"", StringComparison.Ordinal)));
        Fails("watch: prevKV", Everything, Told(A2, B3), Told(A4.Replace("\"value\":\"1\"", "\"value\":\"9\"", StringComparison.Ordinal), C4));
        Fails("watch: prevKV", Everything, Told(A2, B3), Told(C4, """{"type":"put","key":"a","value":"3","create":2,"mod":4,"version":2}"""));
        Fails("watch: event nobody made", Everything, Told(A2, B3.Replace("\"b\"", "\"c\"", StringComparison.Ordinal)));
    }

    // Goal: an event is as good a sighting as a read: it says what an unanswered write did, and an event that nobody can have caused is found.
    [Fact]
    public void An_event_tells_what_an_unanswered_write_did()
    {
        JsonObject[] lost = Put(30, 0, "e", "7", 0);
        const string Lost = """{"type":"put","key":"e","value":"7","create":7,"mod":7,"version":1}""";
        const string From = """ "range_end":"\u0000","start_revision":7 """;
        Verdict legal = Check([.. Store, .. lost, .. Watch(From, Told(Lost))]);
        Assert.True(legal.IsLegal, string.Join("; ", legal.Violations.Select(v => v.Text)));
        JsonObject[] blind = Lines.All(90, 91, 7, Kv("a", "3", 2, 4, 2), Kv("c", "4", 4, 4, 1), Kv("d", "6", 6, 6, 1));
        Assert.Equal("missing key", Check([.. Store, .. lost, .. Watch(From, Told(Lost)), .. blind]).Violations[0].Rule);
        Assert.Equal("change nobody asked for", Check([.. Store, .. lost, .. Watch(From, Told(Lost.Replace("\"7\"", "\"8\"", StringComparison.Ordinal)))]).Violations[0].Rule);
        Assert.Equal("revision nobody made", Check([.. Store, .. Watch(From, Told(Lost))]).Violations[0].Rule);
    }

    // Goal: an event that was left out is missed even if nobody else looks. Method: legal traffic; one event dropped, one response told
    // twice, or two responses swapped.
    [Fact]
    public void Changed_responses_of_random_watches_are_found()
    {
        (int changed, int found) = (0, 0);
        for (ulong seed = 1; seed <= 300; seed++)
        {
            List<JsonObject> lines = EtcdTraffic.Legal(seed, 60, clients: 3, keys: 3, unknown: 0, watches: 1, hasExtras: false);
            JsonObject[] told = [.. lines.Where(l => l["events"] is JsonArray { Count: > 0 })];
            if (told.Length < 3) { continue; }
            changed++;
            JsonObject middle = told[told.Length / 2];
            switch (seed % 3)
            {
                case 0: ((JsonArray)middle["events"]!).RemoveAt(0); break;
                case 1: middle["events"] = told[(told.Length / 2) - 1]["events"]!.DeepClone(); break;
                default: (middle["events"], told[0]["events"]) = (told[0]["events"]!.DeepClone(), middle["events"]!.DeepClone()); break;
            }

            if (!Models.Find("etcd")!.Check(EtcdTraffic.Read(lines), new CheckOptions()).IsLegal) { found++; }
        }

        // Dropping the last event that a watch tells shows nothing, and so does swapping a response with itself.
        Assert.True(changed > 100 && found > changed * 9 / 10, $"{found} of {changed} found");
    }

    private static string Told(params string[] events) => $$"""{"revision":6,"events":[{{string.Join(',', events)}}]}""";

    private static string Progress(long revision) => $$"""{"progress":true,"revision":{{revision}}}""";

    private static JsonObject[] Watch(string members, params string[] responses) =>
    [
        .. Op(40, 41, $$"""{"f":"watch","key":"a",{{members}}}""", """{"revision":4}""", process: 99),
        .. responses.SelectMany((r, i) => Op(42 + i, 42 + i, """{"f":"watch-next"}""", r, process: 99)),
    ];

    private static Verdict Check(IEnumerable<JsonObject> lines) => Models.Find("etcd")!.Check(EtcdTraffic.Read(lines), new CheckOptions());

    private static void Holds(string members, params string[] responses)
    {
        Verdict verdict = Check([.. Store, .. Watch(members, responses)]);
        Assert.True(verdict.IsLegal, string.Join("; ", verdict.Violations.Select(v => v.Text)));
    }

    private static void Fails(string rule, string members, params string[] responses) =>
        Assert.Equal([rule], Check([.. Store, .. Watch(members, responses)]).Violations.Select(v => v.Rule));
}
