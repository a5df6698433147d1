namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>KV/Put.</summary>
internal static class PutCases
{
    private const string Setup = """
        LeaseGrant {"ID":7,"TTL":300}
        LeaseGrant {"ID":8,"TTL":300}
        Put {"key":"a","value":"1"}
        Put {"key":"l","value":"1","lease":7}
        """;

    // What is there afterwards is compared too.
    private const string Then = """

        Range {"key":"$00","range_end":"$00"}
        LeaseTimeToLive {"ID":7,"keys":true}
        """;

    public static readonly CaseGroup Group = new("Put", Setup,
    [
        new("a new key", """Put {"key":"b","value":"1"}""" + Then),
        new("a key again", """Put {"key":"a","value":"2"}""" + Then),
        new("the same value", """Put {"key":"a","value":"1"}""" + Then),
        new("no value", """Put {"key":"b"}""" + Then),
        new("no key", """Put {"value":"1"}""" + Then),
        new("an empty key", """Put {"key":"","value":"1"}""" + Then),
        new("nothing", "Put {}" + Then),
        new("a zero byte as the key", """Put {"key":"$00","value":"1"}""" + Then),
        new("0xff as the key", """Put {"key":"$ffff","value":"1"}""" + Then),
        new("a value that is no text", """Put {"key":"b","value":"$00fffe80"}""" + Then),
        new("the value before, of none", """Put {"key":"b","value":"1","prev_kv":true}""" + Then),
        new("the value before", """Put {"key":"a","value":"2","prev_kv":true}""" + Then),
        new("the value before, with a lease", """Put {"key":"l","value":"2","prev_kv":true}""" + Then),
        new("the value before, of a deleted key", """
            DeleteRange {"key":"a"}
            Put {"key":"a","value":"2","prev_kv":true}
            """ + Then),
        new("a lease", """Put {"key":"b","value":"1","lease":7}""" + Then),
        new("another lease", """Put {"key":"l","value":"2","lease":8}""" + Then),
        new("no lease any more", """Put {"key":"l","value":"2"}""" + Then),
        new("a lease that is not there", """Put {"key":"b","value":"1","lease":99}""" + Then),
        new("a lease below 0 that is not there", """Put {"key":"b","value":"1","lease":-1}""" + Then),
        new("a lease that is not there, on a key that is", """Put {"key":"l","value":"1","lease":99}""" + Then),
        new("a lease that was revoked", """
            LeaseRevoke {"ID":8}
            Put {"key":"b","value":"1","lease":8}
            """ + Then),
        new("ignore value", """Put {"key":"a","ignore_value":true,"lease":7}""" + Then),
        new("ignore value, of no key", """Put {"key":"b","ignore_value":true}""" + Then),
        new("ignore value, with a value", """Put {"key":"a","value":"2","ignore_value":true}""" + Then),
        new("ignore value, with a value, of no key", """Put {"key":"b","value":"2","ignore_value":true}""" + Then),
        new("ignore value with the value before", """Put {"key":"a","ignore_value":true,"prev_kv":true}""" + Then),
        new("ignore lease", """Put {"key":"l","value":"2","ignore_lease":true}""" + Then),
        new("ignore lease, of a key without", """Put {"key":"a","value":"2","ignore_lease":true}""" + Then),
        new("ignore lease, of no key", """Put {"key":"b","value":"2","ignore_lease":true}""" + Then),
        new("ignore lease, with a lease", """Put {"key":"l","value":"2","lease":8,"ignore_lease":true}""" + Then),
        new("ignore lease, with a lease that is not there", """Put {"key":"l","value":"2","lease":99,"ignore_lease":true}""" + Then),
        new("ignore both", """Put {"key":"l","ignore_value":true,"ignore_lease":true}""" + Then),
        new("ignore both, of no key", """Put {"key":"b","ignore_value":true,"ignore_lease":true}""" + Then),
        new("ignore both, with both", """Put {"key":"l","value":"2","lease":8,"ignore_value":true,"ignore_lease":true}""" + Then),
        new("ignore both with the value before", """Put {"key":"l","ignore_value":true,"ignore_lease":true,"prev_kv":true}""" + Then),
        new("ignore value, with an empty key", """Put {"ignore_value":true}""" + Then),
        new("1 MiB", """
            Put {"key":"b","value":"x*1048576"}
            Range {"key":"b"}
            """),
        new("just below the limit of a request", """Put {"key":"b","value":"x*1572800"}"""),
        new("just above the limit of a request", """Put {"key":"b","value":"x*1572864"}"""),
        new("2 MB", """Put {"key":"b","value":"x*2000000"}"""),
        new("above the limit of a message", """Put {"key":"b","value":"x*2097153"}"""),
        new("far above the limit of a message", """Put {"key":"b","value":"x*5000000"}"""),
        new("a key of 100 kB", """
            Put {"key":"k*100000","value":"1"}
            Range {"key":"k","range_end":"l","count_only":true}
            """),
    ]);
}
