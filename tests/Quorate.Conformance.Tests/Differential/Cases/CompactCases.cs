namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>KV/Compact.</summary>
internal static class CompactCases
{
    private const string Setup = """
        Put {"key":"a","value":"1"}
        Put {"key":"a","value":"2"}
        Put {"key":"b","value":"1"}
        DeleteRange {"key":"b"}
        """;

    public static readonly CaseGroup Group = new("Compact", Setup,
    [
        new("a revision of the past", """
            Compact {"revision":"r+2"}
            Range {"key":"a","revision":"r+2"}
            Range {"key":"a","revision":"r+1"}
            """),
        new("now", """
            Compact {"revision":"r+4"}
            Range {"key":"a","range_end":"z"}
            Range {"key":"b","revision":"r+4"}
            """),
        new("physical", """
            Compact {"revision":"r+4","physical":true}
            Range {"key":"a","range_end":"z"}
            """),
        new("the future", """Compact {"revision":"r+5"}"""),
        new("far in the future", """Compact {"revision":"9223372036854775807"}"""),
        new("the same again", """
            Compact {"revision":"r+3"}
            Compact {"revision":"r+3"}
            Compact {"revision":"r+2"}
            Compact {"revision":"r+4"}
            """),
        new("the same again, physical", """
            Compact {"revision":"r+3","physical":true}
            Compact {"revision":"r+3","physical":true}
            """),
        new("0, after others", """
            Compact {"revision":"r+3"}
            Compact {"revision":0}
            Compact {}
            """),
        new("below 0, after others", """
            Compact {"revision":"r+3"}
            Compact {"revision":-1}
            """),
        new("a deleted key's revision", """
            Compact {"revision":"r+3"}
            Range {"key":"b","revision":"r+3"}
            Range {"key":"b"}
            """),
        new("a transaction in the compacted past", """
            Compact {"revision":"r+3"}
            Txn {"success":[{"request_range":{"key":"a","revision":"r+1"}}]}
            Range {"key":"a"}
            """),
    ]);
}
