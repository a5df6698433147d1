namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>The Election service. What waits is tested in LockTests.</summary>
internal static class ElectionCases
{
    private const string Setup = """
        LeaseGrant {"ID":7,"TTL":300}
        """;

    public static readonly CaseGroup Group = new("Election", Setup,
    [
        new("won, with a lease", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Leader {"name":"e"}
            Range {"key":"e","range_end":"f"}
            """),
        new("won, without a lease", """
            Campaign {"name":"e","value":"me"}
            Leader {"name":"e"}
            Resign {"leader":"@leader"}
            Leader {"name":"e"}
            """),
        new("won without a value", """
            Campaign {"name":"e","lease":7}
            Leader {"name":"e"}
            """),
        new("won twice", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Campaign {"name":"e","lease":7,"value":"again"}
            Leader {"name":"e"}
            """),
        new("a lease that is not there", """Campaign {"name":"e","lease":99,"value":"me"}"""),
        new("no name", """
            Campaign {"lease":7,"value":"me"}
            Leader {}
            """),
        new("nobody leads", """Leader {"name":"e"}"""),
        new("proclaimed", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Proclaim {"leader":"@leader","value":"other"}
            Leader {"name":"e"}
            """),
        new("proclaimed after resigning", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Resign {"leader":"@leader"}
            Proclaim {"leader":"@leader","value":"other"}
            """),
        new("proclaimed without a leader", """Proclaim {"value":"x"}"""),
        new("proclaimed by nobody known", """Proclaim {"leader":{"name":"e","key":"e/7","rev":1,"lease":7},"value":"x"}"""),
        new("proclaimed with an empty leader", """Proclaim {"leader":{},"value":"x"}"""),
        new("proclaimed, wrong revision", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Proclaim {"leader":{"name":"e","key":"e/7","rev":1,"lease":7},"value":"x"}
            Leader {"name":"e"}
            """),
        new("resigned without a leader", "Resign {}"),
        new("resigned by nobody known", """Resign {"leader":{"name":"e","key":"e/7","rev":1,"lease":7}}"""),
        new("resigned with an empty leader", """Resign {"leader":{}}"""),
        new("resigned, wrong revision", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Resign {"leader":{"name":"e","key":"e/7","rev":1,"lease":7}}
            Leader {"name":"e"}
            """),
        new("resigned twice", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Resign {"leader":"@leader"}
            Resign {"leader":"@leader"}
            """),
        new("observed", """
            Campaign {"name":"e","lease":7,"value":"me"}
            Observe {"name":"e"}
            Observe? 1
            Proclaim {"leader":"@leader","value":"other"}
            Observe? 1
            """),
    ]);
}
