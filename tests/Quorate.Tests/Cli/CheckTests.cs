using System.Text.Json;
using Quorate.Cli;
using Xunit;

namespace Quorate.Tests.Cli;

public sealed class CheckTests : IDisposable
{
    private const string Legal = """
        {"history":1,"model":"set","about":{"seed":1}}
        {"process":1,"type":"invoke","f":"add","value":5,"time":1}
        {"process":1,"type":"ok","f":"add","time":2}
        {"process":2,"type":"invoke","f":"read","time":3}
        {"process":2,"type":"ok","f":"read","value":[5],"time":4}
        """;

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"quorate-check-{Guid.NewGuid():n}.jsonl");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public async Task A_legal_history_is_one_line_and_code_0()
    {
        (ExitCode code, string output, _) = await Run(Legal);
        Assert.Equal(ExitCode.Ok, code);
        Assert.Matches(@"^legal: 2 operations, 1 key, 0 unknown, .*; set; \d+\.\d s\n$", output);
    }

    [Fact]
    public async Task A_violation_is_code_12_and_says_what_is_wrong()
    {
        string lost = Legal.Replace("[5]", "[]", StringComparison.Ordinal);
        (ExitCode code, string output, _) = await Run(lost);
        Assert.Equal(ExitCode.Integrity, code);
        Assert.StartsWith("VIOLATED (lost add): 2 operations", output, StringComparison.Ordinal);

        (code, output, _) = await Run(lost, "--format", "json");
        Assert.Equal(ExitCode.Integrity, code);
        JsonElement json = JsonElement.Parse(output);
        Assert.Equal("violated", json.GetProperty("verdict").GetString());
        Assert.Equal("lost add", json.GetProperty("violations")[0].GetProperty("rule").GetString());
        Assert.Equal([2, 4], json.GetProperty("violations")[0].GetProperty("lines").EnumerateArray().Select(l => l.GetInt32()));
    }

    // Goal: --level decides what is allowed. Method: a read of the past, which is serializable, though not in real time.
    [Theory]
    [InlineData("strict-serializable", 12, "VIOLATED (G-single-realtime): 2 operations")]
    [InlineData("serializable", 0, "legal: 2 operations")]
    [InlineData("snapshot-isolation", 0, "legal: 2 operations")]
    [InlineData("linear", 2, "")]
    public async Task The_level_of_transactions_is_a_choice(string level, int expected, string summary)
    {
        const string Stale = """
            {"process":1,"type":"invoke","f":"txn","value":[["append","x",1]],"time":1}
            {"process":1,"type":"ok","f":"txn","value":[["append","x",1]],"time":2}
            {"process":2,"type":"invoke","f":"txn","value":[["r","x",null]],"time":3}
            {"process":2,"type":"ok","f":"txn","value":[["r","x",[]]],"time":4}
            """;
        (ExitCode code, string output, _) = await Run(Stale, "--model", "append", "--level", level);
        Assert.Equal(expected, (int)code);
        Assert.StartsWith(summary, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_history_of_the_model_is_code_2_with_the_line()
    {
        await Refused(ExitCode.Usage, ":2: this is not one JSON object", "{\"history\":1,\"model\":\"set\"}\n{\"process\":1,");
        await Refused(ExitCode.Usage, ":1: the set model knows add and read, and this is \"write\"", """{"process":1,"type":"invoke","f":"write","time":1}""", "--model", "set");
        await Refused(ExitCode.Usage, "does not say its model; name one with --model", """{"process":1,"type":"invoke","f":"add","time":1}""");
        await Refused(ExitCode.Usage, "--model is 'sets'; it must be one of", Legal, "--model", "sets");
        await Refused(ExitCode.Usage, ":1: \"model\" is \"graph\"", "{\"history\":1,\"model\":\"graph\"}");
        await Refused(ExitCode.Precondition, "holds no operation", "{\"history\":1,\"model\":\"set\"}");
    }

    [Fact]
    public async Task A_missing_file_is_code_3()
    {
        var error = new StringWriter();
        Assert.Equal((int)ExitCode.Precondition, await CommandLine.RunAsync(["check", _path + ".no"], new StringWriter(), error));
        Assert.StartsWith("there is no file ", error.ToString(), StringComparison.Ordinal);
    }

    private async Task Refused(ExitCode expected, string problem, string history, params string[] more)
    {
        (ExitCode code, string output, string error) = await Run(history, more);
        Assert.Equal(expected, code);
        Assert.Contains(problem, error, StringComparison.Ordinal);
        Assert.Empty(output);
    }

    private async Task<(ExitCode Code, string Output, string Error)> Run(string history, params string[] more)
    {
        await File.WriteAllTextAsync(_path, history);
        var (output, error) = (new StringWriter(), new StringWriter());
        int code = await CommandLine.RunAsync(["check", _path, .. more], output, error);
        return ((ExitCode)code, output.ToString(), error.ToString());
    }
}
