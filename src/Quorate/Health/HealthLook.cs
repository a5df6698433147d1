using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Kv;

namespace Quorate.Health;

/// <summary>One look at a cluster: each endpoint, and what is known of the whole.</summary>
/// <param name="Endpoints">In the order asked for.</param>
internal sealed record HealthLook(IReadOnlyList<EndpointStatus> Endpoints)
{
    /// <summary>Entries that members may lag behind and still be called well: etcd's own bound for what it refuses writes at.</summary>
    public const ulong MostLag = 5000;

    /// <summary>The worst of it.</summary>
    public ExitCode Code => Endpoints.All(e => !e.IsReachable) ? ExitCode.CannotConnect
        : Endpoints.All(e => Verdict(e) == "ok") && Leaders.Count <= 1 ? ExitCode.Ok
        : ExitCode.Unhealthy;

    // Of the newest term only: a member that was cut off does not know yet that it leads no more.
    private HashSet<ulong> Leaders
    {
        get
        {
            ulong term = Endpoints.Max(e => e.Status?.RaftTerm ?? 0);
            return [.. Endpoints.Where(e => e.Status is { Leader: > 0 } s && s.RaftTerm == term).Select(e => e.Status!.Leader)];
        }
    }

    /// <summary>Asks all endpoints at once.</summary>
    public static async Task<HealthLook> TakeAsync(
        Uri[] endpoints, EndpointAccess access, TimeSpan timeout, CancellationToken stop) =>
        new(await Task.WhenAll(endpoints.Select(e => EndpointStatus.AskAsync(e, access, timeout, stop))));

    /// <summary>Entries that a member has yet to apply of what any member knows to be committed; null if it did not answer.</summary>
    public ulong? Lag(EndpointStatus endpoint)
    {
        if (endpoint.Status is not { } status) { return null; }
        ulong committed = Endpoints.Max(e => e.Status?.RaftIndex ?? 0);
        return committed - Math.Min(committed, status.RaftAppliedIndex);
    }

    /// <summary>"ok", or what is wrong with an endpoint.</summary>
    public string Verdict(EndpointStatus endpoint) =>
        !endpoint.IsHealthy ? endpoint.Health
        : Lag(endpoint) > MostLag ? string.Create(CultureInfo.InvariantCulture, $"{Lag(endpoint)} entries behind")
        : "ok";

    /// <summary>What changes when something is to be told: everything but times and counts.</summary>
    public string Gist => string.Join('\n', Endpoints.Select(e => $"{e.Endpoint} {Verdict(e)} {Role(e)}"));

    /// <summary>A table, and a line of what it means.</summary>
    public void Write(TextWriter output)
    {
        List<string[]> rows = [["ENDPOINT", "ROLE", "TERM", "LAG", "READ", "HEALTH"]];
        foreach (EndpointStatus e in Endpoints)
        {
            rows.Add(
            [
                e.Endpoint.OriginalString, Role(e), e.Status is null ? "-" : Number(e.Status.RaftTerm), Lag(e) is { } lag ? Number(lag) : "-",
                e.IsHealthy ? string.Create(CultureInfo.InvariantCulture, $"{e.Milliseconds:0.0} ms") : "-", Verdict(e),
            ]);
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length))];
        foreach (string[] row in rows) { output.WriteLine(string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c]))).TrimEnd()); }
        int well = Endpoints.Count(e => Verdict(e) == "ok");
        output.WriteLine(Leaders.Count > 1
            ? "The members do not agree who leads."
            : string.Create(CultureInfo.InvariantCulture, $"{well} of {Endpoints.Count} endpoints are well."));
    }

    /// <summary>The same for programs.</summary>
    public JsonObject Json() => new()
    {
        ["healthy"] = Code == ExitCode.Ok,
        ["endpoints"] = new JsonArray(
        [
            .. Endpoints.Select(e => new JsonObject
            {
                ["endpoint"] = e.Endpoint.OriginalString,
                ["reachable"] = e.IsReachable,
                ["healthy"] = Verdict(e) == "ok",
                ["health"] = Verdict(e),
                ["role"] = Role(e),
                ["memberId"] = e.Status?.Header?.MemberId.ToString("x", CultureInfo.InvariantCulture),
                ["leaderId"] = e.Status?.Leader.ToString("x", CultureInfo.InvariantCulture),
                ["raftTerm"] = e.Status?.RaftTerm,
                ["lag"] = Lag(e),
                ["alarms"] = new JsonArray([.. (e.Status?.Errors ?? []).Select(a => (JsonNode?)a)]),
                ["readMilliseconds"] = Math.Round(e.Milliseconds, 3),
            }),
        ]),
    };

    private static string Role(EndpointStatus endpoint) => endpoint.Status switch
    {
        null => "-",
        { IsLearner: true } => "learner",
        { Leader: 0 } => "no leader",
        { } s => s.Leader == s.Header.MemberId ? "leader" : "follower",
    };

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
