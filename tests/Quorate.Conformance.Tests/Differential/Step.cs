using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>What a line of a case does.</summary>
internal enum StepKind
{
    /// <summary><c>Range {"key":"a"}</c>: calls a unary RPC, or sends on the case's stream of a streaming one.</summary>
    Call,

    /// <summary><c>Watch? 2</c>: reads from the stream; each event counts, and each response that has none.</summary>
    Read,

    /// <summary><c>Watch.</c>: half-closes and reads to the end.</summary>
    End,

    /// <summary><c>POST /v3/kv/range {"key":"YQ=="}</c>: any method, path and body, as they stand. Over the gateway only.</summary>
    Http,

    /// <summary><c>CALL /etcdserverpb.KV/Range 0a0161</c>: any path and bytes in hexadecimal. Over gRPC only.</summary>
    RawCall,

    /// <summary><c>WAIT 5</c>: lets so many seconds pass, for what ends by time.</summary>
    Wait,
}

/// <summary>One line of a case. Headers, and gRPC's metadata, stand in brackets before the body: <c>Range [token: x] {...}</c>.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Name">The RPC, or the method and path.</param>
/// <param name="Body">The request, or how many to read.</param>
/// <param name="Headers">Names and values.</param>
/// <param name="Text">The line.</param>
internal sealed partial record Step(
    StepKind Kind, string Name, string Body, ImmutableArray<(string Name, string Value)> Headers, string Text)
{
    public static ImmutableArray<Step> ReadAll(string script) =>
        [.. script.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Read)];

    private static Step Read(string line)
    {
        Match match = Line().Match(line);
        if (!match.Success) { throw new ArgumentException($"no step: {line}"); }
        string first = match.Groups["first"].Value;
        string path = match.Groups["path"].Value;
        ImmutableArray<(string, string)> headers =
            [.. match.Groups["header"].Captures.Select(static header => header.Value.Split(": ", 2)).Select(static p => (p[0], p[1]))];
        (StepKind kind, string name) = (first, first[^1]) switch
        {
            ("CALL", _) => (StepKind.RawCall, path),
            ("WAIT", _) => (StepKind.Wait, first),
            (_, '?') => (StepKind.Read, first[..^1]),
            (_, '.') => (StepKind.End, first[..^1]),
            _ => path.Length > 0 ? (StepKind.Http, $"{first} {path}") : (StepKind.Call, first),
        };
        return new(kind, name, match.Groups["body"].Value, headers, line);
    }

    [GeneratedRegex(@"^(?<first>\w+[?.]?)(?: (?<path>/\S*))?(?: \[(?<header>[^\]]+: [^\]]+)\])*(?: (?<body>.*))?$")]
    private static partial Regex Line();
}
