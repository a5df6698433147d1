namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>KV/DeleteRange.</summary>
internal static class DeleteRangeCases
{
    private const string Setup = """
        LeaseGrant {"ID":7,"TTL":300}
        Put {"key":"a","value":"1"}
        Put {"key":"b","value":"2","lease":7}
        Put {"key":"b","value":"3","lease":7}
        Put {"key":"c","value":"4"}
        Put {"key":"d","value":"5"}
        """;

    private const string Then = """

        Range {"key":"$00","range_end":"$00"}
        LeaseTimeToLive {"ID":7,"keys":true}
        """;

    public static readonly CaseGroup Group = new("DeleteRange", Setup,
    [
        new("one key", """DeleteRange {"key":"a"}""" + Then),
        new("a key that is not there", """DeleteRange {"key":"none"}""" + Then),
        new("a key twice", """
            DeleteRange {"key":"a"}
            DeleteRange {"key":"a"}
            """ + Then),
        new("no key", "DeleteRange {}" + Then),
        new("an empty key with an end", """DeleteRange {"key":"","range_end":"z"}""" + Then),
        new("a range", """DeleteRange {"key":"a","range_end":"c"}""" + Then),
        new("a range with the values before", """DeleteRange {"key":"a","range_end":"d","prev_kv":true}""" + Then),
        new("a key with the value before", """DeleteRange {"key":"b","prev_kv":true}""" + Then),
        new("nothing with the value before", """DeleteRange {"key":"none","prev_kv":true}""" + Then),
        new("a range whose end is before its start", """DeleteRange {"key":"c","range_end":"a"}""" + Then),
        new("a range whose end is its start", """DeleteRange {"key":"a","range_end":"a"}""" + Then),
        new("from a key on", """DeleteRange {"key":"c","range_end":"$00"}""" + Then),
        new("all", """DeleteRange {"key":"$00","range_end":"$00","prev_kv":true}""" + Then),
        new("a key with a lease", """
            DeleteRange {"key":"b"}
            LeaseRevoke {"ID":7}
            """),
        new("and put again", """
            DeleteRange {"key":"b"}
            Put {"key":"b","value":"6"}
            """ + Then),
        new("a deletion read at the revision before", """
            DeleteRange {"key":"a","range_end":"z"}
            Range {"key":"a","range_end":"z","revision":"r+5"}
            """),
    ]);
}
