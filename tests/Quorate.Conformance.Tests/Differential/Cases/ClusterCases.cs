namespace Quorate.Conformance.Tests.Differential.Cases;

/// <summary>The Cluster service, on one member: what more members do is tested with three nodes.</summary>
internal static class ClusterCases
{
    public static readonly CaseGroup Group = new("Cluster", "MemberList {}",
    [
        new("members", "MemberList {}"),
        new("added without URLs", "MemberAdd {}"),
        new("added with an empty URL", """MemberAdd {"peerURLs":[""]}"""),
        new("added with a URL that is none", """MemberAdd {"peerURLs":["nonsense"]}"""),
        new("added with a URL without a port", """MemberAdd {"peerURLs":["http://10.0.0.1"]}"""),
        new("added with a URL with a path", """MemberAdd {"peerURLs":["http://10.0.0.1:1234/path"]}"""),
        new("added with another scheme", """MemberAdd {"peerURLs":["ftp://10.0.0.1:1234"]}"""),
        new("removed, not there", """MemberRemove {"ID":77}"""),
        new("removed, 0", "MemberRemove {}"),
        new("updated, not there", """MemberUpdate {"ID":77,"peerURLs":["http://10.0.0.1:1234"]}"""),
        new("updated, a URL that is none", """MemberUpdate {"ID":77,"peerURLs":["nonsense"]}"""),
        new("updated without URLs", """MemberUpdate {"ID":77}"""),
        new("promoted, not there", """MemberPromote {"ID":77}"""),
        new("promoted, 0", "MemberPromote {}"),
    ]);

    // The answers after which the cluster is another one.
    public static readonly CaseGroup Changes = new("Cluster changes", "Put {\"key\":\"a\",\"value\":\"1\"}",
    [
        new("a learner added", """
            MemberAdd {"peerURLs":["http://10.0.0.1:1234"],"isLearner":true}
            MemberList {}
            MemberAdd {"peerURLs":["http://10.0.0.2:1234"],"isLearner":true}
            MemberUpdate {"ID":"@member.ID","peerURLs":["http://10.0.0.3:1234"]}
            MemberList {}
            MemberRemove {"ID":"@member.ID"}
            MemberRemove {"ID":"@member.ID"}
            MemberUpdate {"ID":"@member.ID","peerURLs":["http://10.0.0.3:1234"]}
            MemberList {}
            Range {"key":"a"}
            """),
        new("added with two URLs", """
            MemberAdd {"peerURLs":["http://10.0.0.2:1234","http://10.0.0.1:1234"],"isLearner":true}
            MemberList {}
            """),
    ])
    {
        OwnServers = true,
    };
}
