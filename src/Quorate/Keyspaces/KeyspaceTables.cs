using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Keyspaces;

/// <summary>Keyspaces as tables and JSON.</summary>
internal static class KeyspaceTables
{
    /// <summary>A line for each keyspace.</summary>
    public static void WriteList(TextWriter output, KeyspaceListResponse response) => Table.Write(
        output,
        [
            ["NAME", "SHARD", "QUOTA", "SIZE", "REVISION"],
            .. response.Keyspaces.Select(k => (string[])
                [k.Name, Number(k.Shard), k.QuotaBytes == 0 ? "-" : Table.Size(k.QuotaBytes), Table.Size(k.DbSize), Number((ulong)k.Revision)]),
        ]);

    /// <summary>A line for each keyspace and endpoint.</summary>
    public static void WriteStatus(TextWriter output, IEnumerable<(Uri Endpoint, KeyspaceListResponse Answer)> answers) => Table.Write(
        output,
        [
            ["NAME", "ENDPOINT", "LEADER", "TERM", "APPLIED", "REVISION", "SIZE", "QUOTA", "MEMBERS"],
            .. answers
                .SelectMany(a => a.Answer.Keyspaces.Select((k, order) => (Keyspace: k, a.Endpoint, a.Answer.Header.MemberId, order)))
                .OrderBy(row => row.order > 0).ThenBy(row => row.Keyspace.Name, StringComparer.Ordinal)
                .Select(row => Row(row.Keyspace, row.Endpoint, row.MemberId)),
        ]);

    /// <summary>The same for programs: one object for each endpoint.</summary>
    public static JsonArray Json(IEnumerable<(Uri Endpoint, KeyspaceListResponse Answer)> answers) => [.. answers.Select(a => new JsonObject
    {
        ["endpoint"] = a.Endpoint.OriginalString,
        ["memberId"] = Table.Hex(a.Answer.Header.MemberId),
        ["keyspaces"] = new JsonArray([.. a.Answer.Keyspaces.Select(Json)]),
    })];

    private static JsonObject Json(KeyspaceInfo k) => new()
    {
        ["name"] = k.Name,
        ["shard"] = k.Shard,
        ["quotaBytes"] = k.QuotaBytes,
        ["isHere"] = k.IsHere,
        ["leaderId"] = Table.Hex(k.Leader),
        ["raftTerm"] = k.RaftTerm,
        ["raftAppliedIndex"] = k.RaftAppliedIndex,
        ["revision"] = k.Revision,
        ["dbSize"] = k.DbSize,
        ["members"] = new JsonArray([.. k.Members.Select(id => (JsonNode)Table.Hex(id))]),
    };

    private static string[] Row(KeyspaceInfo k, Uri endpoint, ulong self) => !k.IsHere
        ? [k.Name, endpoint.OriginalString, "not here", "-", "-", "-", "-", "-", "-"]
        :
        [
            k.Name, endpoint.OriginalString, k.Leader == 0 ? "none" : k.Leader == self ? "yes" : "no", Number(k.RaftTerm), Number(k.RaftAppliedIndex),
            Number((ulong)k.Revision), Table.Size(k.DbSize), k.QuotaBytes == 0 ? "-" : Table.Size(k.QuotaBytes), Number((ulong)k.Members.Count),
        ];

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
