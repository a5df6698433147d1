using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>A field whose value is not compared as it stands.</summary>
/// <param name="Field">Matches the RPC, a space, and the field's path.</param>
/// <param name="Shown">Makes of the value what is compared.</param>
/// <param name="What">For the table.</param>
/// <param name="Reason">Why the values may differ.</param>
internal sealed record Mask(Regex Field, Func<string, string> Shown, string What, string Reason);

/// <summary>What is masked before answers are compared: that a field is there always counts. To add one: a line here.</summary>
internal static partial class Masks
{
    // Ids that a case gives are shorter.
    private const int ChosenDigits = 12;

    public static readonly ImmutableArray<Mask> All =
    [
        new(Cluster(), Hidden, "`cluster_id`, `member_id`, `raft_term` of a header", "they name this cluster, this member and its past"),
        new(Ids(), Hidden, "ids of members", "they name this cluster's members"),
        new(Ports(), static v => PortNumber().Replace(v, ":*"), "ports in URLs", "the system chooses them"),
        new(TimeLeft(), static v => v.Trim('"').Length < 3 ? v : "*", "what is left of a lease, from 100 s", "time passes between requests"),
        new(Lease(), static v => v.Trim('"').Length > ChosenDigits ? "chosen" : v, "ids of leases that the server chose", "random"),
        new(QueueKey(), static v => ChosenLease().Replace(v, "/chosen"), "such an id in the key of a lock or an election", "random"),
        new(EventHeader(), Hidden, "the header's revision where a watch tells events", "the store may have moved on by then"),
        new(Figures(), Hidden, "figures in `Status`, and its version", "they tell of this member's files and log, and of the program"),
        new(AuthRevision(), Hidden, "the revision of users and roles", "it counts all that was changed before the case"),
        new(Content(), Hidden, "hashes, a snapshot's bytes and their number, tokens", "each server's own format; random"),
    ];

    private static string Hidden(string value) => "*";

    [GeneratedRegex(@"header\.(cluster_id|member_id|raft_term)$")]
    private static partial Regex Cluster();

    [GeneratedRegex(@"^Member\w+ (.*\.)?(member|members\[\d+\])\.ID$")]
    private static partial Regex Ids();

    [GeneratedRegex(@"URLs\[\d+\]$")]
    private static partial Regex Ports();

    [GeneratedRegex(@":\d+")]
    private static partial Regex PortNumber();

    [GeneratedRegex("^(LeaseTimeToLive|POST .*timetolive) TTL$")]
    private static partial Regex TimeLeft();

    [GeneratedRegex(@"(\.|\s)(ID|lease)$")]
    private static partial Regex Lease();

    [GeneratedRegex(@"^(Lock|Campaign|Leader|Observe|Range) .*key$")]
    private static partial Regex QueueKey();

    [GeneratedRegex("/[0-9a-f]{14,16}")]
    private static partial Regex ChosenLease();

    [GeneratedRegex(@"events\[\d+\]\.header\.revision$")]
    private static partial Regex EventHeader();

    [GeneratedRegex(@"^Status (version|dbSize|dbSizeInUse|leader|raftIndex|raftTerm|raftAppliedIndex)$")]
    private static partial Regex Figures();

    [GeneratedRegex(@"^AuthStatus authRevision$")]
    private static partial Regex AuthRevision();

    [GeneratedRegex(@"^(Hash|HashKV|Snapshot|Authenticate) (.*\.)?(hash|remaining_bytes|blob|token)$")]
    private static partial Regex Content();
}
