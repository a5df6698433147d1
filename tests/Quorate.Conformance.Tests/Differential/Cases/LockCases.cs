namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>The Lock service. What waits is tested in LockTests.</summary>
internal static class LockCases
{
    private const string Setup = """
        LeaseGrant {"ID":7,"TTL":300}
        """;

    public static readonly CaseGroup Group = new("Lock", Setup,
    [
        new("free, with a lease", """
            Lock {"name":"l","lease":7}
            Range {"key":"l","range_end":"m"}
            Unlock {"key":"l/7"}
            Range {"key":"l","range_end":"m"}
            """),
        new("free, without a lease", """
            Lock {"name":"l"}
            Unlock {"key":"@key"}
            Range {"key":"l","range_end":"m"}
            """),
        new("held by the same lease", """
            Lock {"name":"l","lease":7}
            Lock {"name":"l","lease":7}
            """),
        new("a lease that is not there", """
            Lock {"name":"l","lease":99}
            Range {"key":"l","range_end":"m"}
            """),
        new("a lease below 0 that is not there", """Lock {"name":"l","lease":-9}"""),
        new("no name", """
            Lock {"lease":7}
            Range {"key":"$00","range_end":"$00"}
            """),
        new("a name that ends in a slash", """
            Lock {"name":"l/","lease":7}
            Range {"key":"l","range_end":"m"}
            """),
        new("unlocked, a key that is not there", """Unlock {"key":"none"}"""),
        new("unlocked, no key", "Unlock {}"),
        new("unlocked twice", """
            Lock {"name":"l","lease":7}
            Unlock {"key":"l/7"}
            Unlock {"key":"l/7"}
            """),
        new("unlocked, a key that is no lock", """
            Put {"key":"a","value":"1"}
            Unlock {"key":"a"}
            Range {"key":"a"}
            """),
        new("gone with its lease", """
            Lock {"name":"l","lease":7}
            LeaseRevoke {"ID":7}
            LeaseGrant {"ID":8,"TTL":300}
            Lock {"name":"l","lease":8}
            """),
    ]);
}
