using System.Text.Json.Nodes;
using Quorate.Simulation.Checkers;
using Xunit;
using static Quorate.Simulation.Tests.Checkers.Etcd.Lines;

namespace Quorate.Simulation.Tests.Checkers.Etcd;

/// <summary>Each rule of the store: the smallest history that breaks it, and the word that the checker says.</summary>
public sealed class EtcdRuleTests
{
    private const string All = """ "key":"a","range_end":"\u0000" """;

    // The store after these: a = 1 of revision 2, b = 2 of revision 3.
    private static readonly JsonObject[] TwoPuts = [.. Put(0, 1, "a", "1", 2), .. Put(2, 3, "b", "2", 3)];
    private static readonly string A = Kv("a", "1", 2, 2, 1);
    private static readonly string B = Kv("b", "2", 3, 3, 1);

    [Fact]
    public void A_change_has_a_revision_of_its_own()
    {
        Fails("revision used twice", Put(0, 9, "a", "1", 2), Put(1, 8, "b", "2", 2));
        Fails("revision too small", Put(0, 9, "a", "1", 1));
        Fails("revision nobody made", Put(0, 9, "a", "1", 3));
        Fails("revision nobody made", Put(0, 1, "a", "1", 3), Put(2, 3, "b", "1", 0)); // The unanswered one was asked too late.
        Holds(Put(0, 9, "a", "1", 3), Put(5, 5, "b", "1", 0));
        Fails("revision goes back", Put(2, 3, "a", "1", 2), Put(0, 1, "b", "2", 3));
    }

    [Fact]
    public void An_answer_is_no_older_than_what_was_known_before_the_question()
    {
        Fails("stale answer", TwoPuts, Lines.All(4, 5, 2, A));
        Holds(TwoPuts, Lines.All(3, 5, 2, A)); // Equal times are concurrent.
        Holds(TwoPuts, Op(4, 5, $$"""{"f":"range",{{All}},"serializable":true}""", $$"""{"revision":2,"kvs":[{{A}}]}"""));
        Fails("missing key", TwoPuts, Op(4, 5, $$"""{"f":"range",{{All}},"serializable":true}""", """{"revision":2,"kvs":[]}"""));
    }

    [Fact]
    public void A_range_is_the_store_at_its_revision()
    {
        Holds(TwoPuts, Lines.All(4, 5, 3, A, B));
        Fails("missing key", TwoPuts, Lines.All(4, 5, 3, B));
        Fails("missing key", TwoPuts, Lines.All(4, 5, 3, A));
        Fails("old version", TwoPuts, Put(4, 5, "a", "3", 4), Lines.All(6, 7, 4, A, B));
        Fails("deleted key", TwoPuts, Op(4, 5, """{"f":"delete","key":"a"}""", """{"revision":4,"deleted":1}"""), Lines.All(6, 7, 4, A, B));
        Fails("wrong version", TwoPuts, Lines.All(4, 5, 3, Kv("a", "9", 2, 2, 1), B));
        Fails("wrong version", TwoPuts, Lines.All(4, 5, 3, Kv("a", "1", 1, 2, 1), B));
        Fails("wrong version", TwoPuts, Lines.All(4, 5, 3, Kv("a", "1", 2, 2, 2), B));
        Fails("version of the future", TwoPuts, Lines.All(4, 5, 3, Kv("a", "1", 2, 4, 2), B));
        Fails("version nobody made", TwoPuts, Lines.All(4, 5, 3, Kv("a", "2", 2, 3, 2), B));
        Fails("wrong keys", TwoPuts, Lines.All(4, 5, 3, B, A));
        Fails("wrong keys", TwoPuts, Op(4, 5, """{"f":"range","key":"a"}""", $$"""{"revision":3,"kvs":[{{A}},{{B}}]}"""));
    }

    [Fact]
    public void Limit_count_and_more_are_right()
    {
        Holds(TwoPuts, Range(""" "limit":1 """, $$""" "kvs":[{{A}}],"count":2,"more":true """));
        Fails("limit ignored", TwoPuts, Range(""" "limit":1 """, $$""" "kvs":[{{A}},{{B}}] """));
        Fails("wrong count", TwoPuts, Range(""" "limit":1 """, $$""" "kvs":[{{A}}],"count":1,"more":true """));
        Fails("wrong more", TwoPuts, Range(""" "limit":1 """, $$""" "kvs":[{{A}}],"count":2,"more":false """));
        Fails("wrong more", TwoPuts, Range(""" "limit":2 """, $$""" "kvs":[{{A}},{{B}}],"count":2,"more":true """));
        Fails("wrong count", TwoPuts, Range(""" "count_only":true """, """ "count":3 """));
        Fails("missing key", TwoPuts, Range(""" "limit":1 """, $$""" "kvs":[{{B}}] """));
    }

    [Fact]
    public void The_past_is_read_as_it_was_and_not_below_a_compaction()
    {
        Holds(TwoPuts, Range(""" "revision":2 """, $$""" "kvs":[{{A}}] """));
        Fails("version of the future", TwoPuts, Range(""" "revision":2 """, $$""" "kvs":[{{A}},{{B}}] """));
        Fails("read of the future", TwoPuts, Range(""" "revision":4 """, $$""" "kvs":[{{A}},{{B}}] """));
        Fails("read of compacted revision", TwoPuts, Compact(4, 3), Range(""" "revision":2 """, $$""" "kvs":[{{A}}] """));
        Holds(TwoPuts, Compact(4, 2), Range(""" "revision":2 """, $$""" "kvs":[{{A}}] """));
        Fails("compacted twice", TwoPuts, Compact(4, 3), Compact(6, 3));
        Fails("compaction of the future", TwoPuts, Compact(4, 4));
    }

    [Fact]
    public void A_transaction_takes_the_list_that_its_conditions_choose()
    {
        const string Txn = """{"f":"txn","compare":[{"key":"a","target":"mod","result":"=","value":2}],"success":[{"f":"put","key":"c","value":"3"}]}""";
        Holds(TwoPuts, Op(4, 5, Txn, """{"revision":4,"succeeded":true,"responses":[{}]}"""), Lines.All(6, 7, 4, A, B, Kv("c", "3", 4, 4, 1)));
        Fails("wrong branch", TwoPuts, Op(4, 5, Txn, """{"revision":3,"succeeded":false,"responses":[]}"""));
        Fails("missing key", TwoPuts, Op(4, 5, Txn, """{"revision":4,"succeeded":true,"responses":[{}]}"""), Lines.All(6, 7, 4, A, B));

        // Lost update: two of them found the same version.
        Fails("wrong branch", TwoPuts, Put(4, 5, "a", "9", 4), Op(5, 6, Txn, """{"revision":5,"succeeded":true,"responses":[{}]}"""));
    }

    [Fact]
    public void A_delete_and_what_was_before_are_told_rightly()
    {
        const string Delete = $$"""{"f":"delete",{{All}},"prev_kv":true}""";
        Holds(TwoPuts, Op(4, 5, Delete, $$"""{"revision":4,"deleted":2,"prev_kvs":[{{A}},{{B}}]}"""));
        Fails("wrong delete count", TwoPuts, Op(4, 5, Delete, $$"""{"revision":4,"deleted":1,"prev_kvs":[{{A}}]}"""));
        Fails("wrong delete count", TwoPuts, Op(4, 5, Delete, """{"revision":3,"deleted":0}"""));
        Fails("missing key", TwoPuts, Op(4, 5, Delete, $$"""{"revision":4,"deleted":2,"prev_kvs":[{{A}}]}"""));
        Fails("missing key", TwoPuts, Op(4, 5, """{"f":"put","key":"a","value":"3","prev_kv":true}""", """{"revision":4}"""));
    }

    [Fact]
    public void An_unanswered_write_happened_as_it_was_seen_or_not_at_all()
    {
        JsonObject[] lost = Put(4, 0, "a", "3", 0);
        JsonObject[] later = Put(5, 6, "c", "4", 5);
        string c = Kv("c", "4", 5, 5, 1);
        Holds(TwoPuts, lost, later, Lines.All(7, 8, 5, Kv("a", "3", 2, 4, 2), B, c));
        Fails("old version", TwoPuts, lost, later, Lines.All(7, 8, 5, Kv("a", "3", 2, 4, 2), B, c), Lines.All(9, 10, 5, A, B, c));
        Fails("change nobody asked for", TwoPuts, lost, later, Lines.All(7, 8, 5, Kv("a", "7", 2, 4, 2), B, c));
        Fails("wrong version", TwoPuts, lost, later, Lines.All(7, 8, 5, Kv("a", "3", 2, 4, 3), B, c));
        Fails("missing key", TwoPuts, lost, later, Lines.All(7, 8, 5, Kv("b", "2", 3, 3, 1), c)); // A put deletes nothing.

        // Nobody saw what made revision 4: the delete may have, so each answer about a is right.
        JsonObject[] gone = Op(4, 0, """{"f":"delete","key":"a"}""", null);
        Holds(TwoPuts, gone, later, Lines.All(7, 8, 5, A, B, c));
        Holds(TwoPuts, gone, later, Lines.All(7, 8, 5, B, c));
    }

    [Fact]
    public void A_lease_may_end_at_a_revision_of_its_own()
    {
        JsonObject[] leased = Op(0, 1, """{"f":"put","key":"a","value":"1","lease":7}""", """{"revision":2}""");
        Holds(leased, Put(2, 3, "b", "2", 4), Lines.All(4, 5, 4, Kv("b", "2", 4, 4, 1)));
        Fails("missing key", leased, Put(2, 3, "b", "2", 3), Lines.All(4, 5, 3, Kv("b", "2", 3, 3, 1)));
    }

    // Goal: the message can be understood by someone who meets the checker for the first time.
    [Fact]
    public void A_violation_says_what_was_seen_and_by_whom()
    {
        Verdict verdict = Check([.. TwoPuts, .. Lines.All(4, 5, 3, B)]);
        string text = Assert.Single(verdict.Violations).Text;
        Assert.StartsWith("a was not in the store at revision 3, but revision 2 had set it and nothing had deleted it.", text, StringComparison.Ordinal);
        Assert.Contains("put a = 1 -> revision 2", text, StringComparison.Ordinal);
        Assert.Contains("range a.. -> [b = 2 (mod 3)] at revision 3", text, StringComparison.Ordinal);
        Assert.Equal([0, 4], verdict.Violations[0].Operations.Select(o => o.Process));
    }

    [Theory]
    [InlineData("""{"f":"increment","key":"a"}""", "knows put, delete, range")]
    [InlineData("""{"f":"put","key":"a"}""", "\"value\" must be a text")]
    [InlineData("""{"f":"put","key":"a","value":"1","ignore_lease":true}""", "\"ignore_lease\" is not known")]
    [InlineData("""{"f":"watch-next"}""", "opened none")]
    [InlineData("""{"f":"txn","compare":[{"key":"a","target":"mood","result":"=","value":2}]}""", "must be version, create, mod")]
    public void What_the_model_does_not_know_is_refused(string request, string problem) =>
        Assert.Contains(problem, Assert.Throws<HistoryException>(() => Check(Op(0, 1, request, null))).Message, StringComparison.Ordinal);

    private static JsonObject[] Range(string request, string answer) => Op(8, 9, $$"""{"f":"range",{{All}},{{request}}}""", $$"""{"revision":3,{{answer}}}""");

    private static JsonObject[] Compact(long from, long revision) => Op(from, from + 1, $$"""{"f":"compact","revision":{{revision}}}""", """{"revision":3}""");

    private static Verdict Check(IEnumerable<JsonObject> lines) => Models.Find("etcd")!.Check(EtcdTraffic.Read(lines), new CheckOptions());

    private static void Holds(params JsonObject[][] operations)
    {
        Verdict verdict = Check(operations.SelectMany(o => o));
        Assert.True(verdict.IsLegal, string.Join("; ", verdict.Violations.Select(v => v.Text)));
    }

    private static void Fails(string rule, params JsonObject[][] operations) =>
        Assert.Equal([rule], Check(operations.SelectMany(o => o)).Violations.Select(v => v.Rule));
}
