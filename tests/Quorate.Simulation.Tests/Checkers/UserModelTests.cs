using System.Text;
using Quorate.Simulation.Checkers;
using Xunit;

namespace Quorate.Simulation.Tests.Checkers;

/// <summary>The model of permissions that come and go: each of its rules finds what it is for, and nothing else.</summary>
public sealed class UserModelTests
{
    // Given from 10 to 30, by a revision before 10; taken away by revision 20, given again after revision 40.
    private const string Changes = """
        {"process":0,"type":"invoke","f":"allow","key":"k","revision":3,"time":10}
        {"process":0,"type":"ok","f":"allow","time":20}
        {"process":0,"type":"invoke","f":"forbid","key":"k","time":30}
        {"process":0,"type":"ok","f":"forbid","revision":20,"time":40}
        {"process":0,"type":"invoke","f":"allow","key":"k","revision":40,"time":70}
        {"process":0,"type":"info","f":"allow","time":80}
        """;

    // Goal: a history in which nothing is wrong is legal; each line that is changed breaks the rule that is named.
    [Theory]
    [InlineData("", "[[1,5],[2,41]]", """{"type":"ok"}""", 25)]
    [InlineData("lost write", "[[2,41]]", """{"type":"ok"}""", 25)]
    [InlineData("", "[]", """{"type":"info"}""", 25)]
    [InlineData("", "[[1,5]]", """{"type":"info"}""", 25)]
    [InlineData("write after a revocation", "[[1,21]]", """{"type":"info"}""", 25)]
    [InlineData("write after a revocation", "[[1,40]]", """{"type":"ok"}""", 25)]
    [InlineData("", "[[1,20]]", """{"type":"ok"}""", 25)]
    [InlineData("", "[]", """{"type":"fail","denied":true}""", 45)]
    [InlineData("refused write took effect", "[[1,5]]", """{"type":"fail","denied":true}""", 45)]
    [InlineData("refused write took effect", "[[1,5]]", """{"type":"fail"}""", 25)]
    [InlineData("denied with the right", "[]", """{"type":"fail","denied":true}""", 25)]
    [InlineData("", "[]", """{"type":"fail","denied":true}""", 15)]
    [InlineData("", "[]", """{"type":"fail"}""", 25)]
    public void Writes(string rule, string final, string answer, int asked) => Expect(rule, $$"""
        {"process":1,"type":"invoke","f":"write","key":"k","value":1,"time":{{asked}}}
        {"process":1,"f":"write","time":{{asked + 1}},{{answer[1..]}}
        {"process":2,"type":"invoke","f":"final","key":"k","time":99}
        {"process":2,"type":"ok","f":"final","value":{{final}},"time":99}
        """);

    [Theory]
    [InlineData("", 25, 45)]
    [InlineData("read after a revocation", 41, 45)]
    [InlineData("", 41, 70)]
    public void Reads(string rule, int asked, int answered) => Expect(rule, $$"""
        {"process":1,"type":"invoke","f":"look","key":"k","time":{{asked}}}
        {"process":1,"type":"ok","f":"look","time":{{answered}}}
        """);

    private static void Expect(string rule, string lines)
    {
        string text = "{\"history\":1,\"model\":\"users\"}\n" + Changes + "\n" + lines;
        Verdict verdict = Models.Find("users")!.Check(HistoryReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text))), new());
        Assert.Equal(rule, verdict.Violations.Count == 0 ? "" : verdict.Violations[0].Rule);
        Assert.Contains("1 certain revocation", verdict.Summary, StringComparison.Ordinal);
    }
}
