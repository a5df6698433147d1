namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>The Lease service.</summary>
internal static class LeaseCases
{
    private const string Setup = """
        LeaseGrant {"ID":7,"TTL":300}
        Put {"key":"b","value":"1","lease":7}
        Put {"key":"a","value":"1","lease":7}
        """;

    public static readonly CaseGroup Group = new("Lease", Setup,
    [
        new("granted, id given", """
            LeaseGrant {"ID":8,"TTL":200}
            LeaseTimeToLive {"ID":8}
            """),
        new("granted, id chosen", """
            LeaseGrant {"TTL":200}
            LeaseTimeToLive {"ID":"@ID"}
            LeaseRevoke {"ID":"@ID"}
            """),
        new("granted twice", """LeaseGrant {"ID":7,"TTL":200}"""),
        new("granted again once revoked", """
            LeaseRevoke {"ID":7}
            LeaseGrant {"ID":7,"TTL":200}
            LeaseTimeToLive {"ID":7,"keys":true}
            """),
        new("an id below 0", """
            LeaseGrant {"ID":-5,"TTL":200}
            LeaseTimeToLive {"ID":-5}
            Put {"key":"n","value":"1","lease":-5}
            Range {"key":"n"}
            LeaseRevoke {"ID":-5}
            Range {"key":"n"}
            """),
        new("the largest id", """
            LeaseGrant {"ID":"9223372036854775807","TTL":200}
            LeaseRevoke {"ID":"9223372036854775807"}
            """),
        new("no time to live", """LeaseGrant {"ID":8}"""),
        new("a time to live of 1", """LeaseGrant {"ID":8,"TTL":1}"""),
        new("a time to live of 2", """LeaseGrant {"ID":8,"TTL":2}"""),
        new("a time to live of 3", """LeaseGrant {"ID":8,"TTL":3}"""),
        new("a time to live below 0", """LeaseGrant {"ID":8,"TTL":-1}"""),
        new("the least time to live", """LeaseGrant {"ID":8,"TTL":"-9223372036854775808"}"""),
        new("the longest time to live", """
            LeaseGrant {"ID":8,"TTL":9000000000}
            LeaseTimeToLive {"ID":8}
            """),
        new("too long a time to live", """LeaseGrant {"ID":8,"TTL":9000000001}"""),
        new("far too long a time to live", """LeaseGrant {"ID":8,"TTL":"9223372036854775807"}"""),
        new("too long a time to live, of an id that is there", """LeaseGrant {"ID":7,"TTL":9000000001}"""),
        new("nothing granted", "LeaseGrant {}"),
        new("revoked, with its keys", """
            LeaseRevoke {"ID":7}
            Range {"key":"a","range_end":"z"}
            Range {"key":"a","range_end":"z","revision":"r+2"}
            LeaseTimeToLive {"ID":7,"keys":true}
            """),
        new("revoked, without keys", """
            LeaseGrant {"ID":8,"TTL":200}
            LeaseRevoke {"ID":8}
            """),
        new("revoked twice", """
            LeaseRevoke {"ID":7}
            LeaseRevoke {"ID":7}
            """),
        new("revoked, not there", """LeaseRevoke {"ID":99}"""),
        new("revoked, 0", "LeaseRevoke {}"),
        new("revoked, below 0, not there", """LeaseRevoke {"ID":-99}"""),
        new("time to live", """LeaseTimeToLive {"ID":7}"""),
        new("time to live with keys", """LeaseTimeToLive {"ID":7,"keys":true}"""),
        new("time to live, not there", """LeaseTimeToLive {"ID":99}"""),
        new("time to live, not there, with keys", """LeaseTimeToLive {"ID":99,"keys":true}"""),
        new("time to live of 0", "LeaseTimeToLive {}"),
        new("keys that moved to another lease", """
            LeaseGrant {"ID":8,"TTL":200}
            Put {"key":"a","value":"2","lease":8}
            LeaseTimeToLive {"ID":7,"keys":true}
            LeaseTimeToLive {"ID":8,"keys":true}
            LeaseRevoke {"ID":7}
            Range {"key":"a","range_end":"z"}
            """),
        new("keys that left it", """
            Put {"key":"a","value":"2"}
            DeleteRange {"key":"b"}
            LeaseTimeToLive {"ID":7,"keys":true}
            LeaseRevoke {"ID":7}
            Range {"key":"a","range_end":"z"}
            """),
        new("all leases", "LeaseLeases {}"),
        new("no leases", """
            LeaseRevoke {"ID":7}
            LeaseLeases {}
            """),
        new("kept alive", """
            LeaseKeepAlive {"ID":7}
            LeaseKeepAlive? 1
            """),
        new("kept alive, not there", """
            LeaseKeepAlive {"ID":99}
            LeaseKeepAlive? 1
            """),
        new("kept alive, 0", """
            LeaseKeepAlive {}
            LeaseKeepAlive? 1
            """),
        new("kept alive, then the end", """
            LeaseKeepAlive {"ID":7}
            LeaseKeepAlive.
            """),
        new("nothing kept alive", """
            LeaseKeepAlive.
            """),
        new("kept alive, three of them", """
            LeaseKeepAlive {"ID":7}
            LeaseKeepAlive? 1
            LeaseKeepAlive {"ID":99}
            LeaseKeepAlive? 1
            LeaseKeepAlive {"ID":7}
            LeaseKeepAlive? 1
            LeaseKeepAlive.
            """),
        new("several kept alive in one body", """
            LeaseKeepAlive {"ID":7}
            LeaseKeepAlive {"ID":99}
            LeaseKeepAlive? 1
            LeaseKeepAlive.
            """),
        new("kept alive once revoked", """
            LeaseRevoke {"ID":7}
            LeaseKeepAlive {"ID":7}
            LeaseKeepAlive? 1
            """),
        new("the old paths", """
            POST /v3/kv/lease/timetolive {"ID":"7","keys":true}
            POST /v3/kv/lease/leases {}
            POST /v3/kv/lease/revoke {"ID":"7"}
            POST /v3/kv/lease/revoke {"ID":"7"}
            """),
    ]);
}
