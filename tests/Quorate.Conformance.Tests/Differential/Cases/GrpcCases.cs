namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>What only gRPC can be asked: methods that are not there, messages that are none.</summary>
internal static class GrpcCases
{
    public static readonly CaseGroup Group = new("gRPC", """Put {"key":"a","value":"1"}""",
    [
        new("a method that is not there", "CALL /etcdserverpb.KV/Nope 0a0161"),
        new("a service that is not there", "CALL /etcdserverpb.Nope/Range 0a0161"),
        new("a path without a method", "CALL /nope"),
        new("a field cut short", "CALL /etcdserverpb.KV/Range 0a05"),
        new("a length without end", "CALL /etcdserverpb.KV/Range 0affffffffffffffffff01"),
        new("a wire type that is none", "CALL /etcdserverpb.KV/Range 0f"),
        new("a field of another type", "CALL /etcdserverpb.KV/Range 0801"),
        new("field 0", "CALL /etcdserverpb.KV/Range 0001"),
        new("an unknown field", "CALL /etcdserverpb.KV/Range 0a0161a03f01"),
        new("an end of a group", "CALL /etcdserverpb.KV/Range 0c"),
        new("no message", "CALL /etcdserverpb.KV/Range"),
        new("hasleader", """Range [hasleader: true] {"key":"a"}"""),
        new("a token while nobody asks for one", """Range [token: abc.1] {"key":"a"}"""),
    ]);
}
