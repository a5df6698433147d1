using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Kv;

/// <summary>What one endpoint answered.</summary>
/// <param name="Endpoint">Its URL.</param>
/// <param name="Status">Null if it did not answer.</param>
/// <param name="Health">"ok", or why it is not well.</param>
/// <param name="Milliseconds">Time of a linearizable read through it.</param>
/// <param name="IsReachable">False if nobody is there.</param>
internal sealed record EndpointStatus(
    Uri Endpoint, StatusResponse? Status, string Health, double Milliseconds, bool IsReachable)
{
    /// <summary>True if it serves linearizable reads and raises no alarm.</summary>
    public bool IsHealthy => Health == "ok";

    /// <summary>Asks one endpoint for its status, and reads through it to see whether it is well.</summary>
    public static async Task<EndpointStatus> AskAsync(
        Uri endpoint, EndpointAccess access, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using EtcdGrpcClient client = access.Connect(endpoint);
        StatusResponse? status = null;
        try
        {
            status = await client.CallAsync(EtcdMethods.Status, new StatusRequest(), timeout, cancellationToken);
            long started = Stopwatch.GetTimestamp();
            // The key etcdctl's `endpoint health` asks for; it need not exist.
            try
            {
                await client.CallAsync(
                    EtcdMethods.Range, new RangeRequest { Key = ByteString.CopyFromUtf8("health") }, timeout, cancellationToken);
            }
            catch (EtcdRpcException e) when (e.Status == GrpcStatus.PermissionDenied)
            {
                // Judged by a linearizable read of the users, which tells as much.
            }

            string health = status.Leader == 0 ? "no leader" : status.Errors.Count > 0 ? string.Join("; ", status.Errors) : "ok";
            return new EndpointStatus(endpoint, status, health, Stopwatch.GetElapsedTime(started).TotalMilliseconds, true);
        }
        catch (EtcdRpcException e)
        {
            return new EndpointStatus(endpoint, status, e.Message, 0, e.WasSent);
        }
    }
}

/// <summary><c>quorate status</c>.</summary>
internal static class StatusCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "status",
            "Show every endpoint: member id, version, size, leader, term, index and health. Exit code 10 if one is not well, "
            + "4 if none can be reached.",
            "quorate status", "quorate status --endpoints http://127.0.0.1:2379,http://127.0.0.1:22379 --format json")
        {
            endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            TimeSpan wait = Common.TimeoutOf(parsed, timeout);
            EndpointAccess access = endpoints.Access(parsed);
            EndpointStatus[] all = await Task.WhenAll(
                Common.EndpointUris(parsed, endpoints).Select(e => EndpointStatus.AskAsync(e, access, wait, cancellationToken)));
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { output.WriteLine(Json(all).ToJsonString()); }
            else { WriteTable(output, all); }
            return (int)CodeOf(all);
        });
        return verb;
    }

    /// <summary>The worst that was seen; one that can be reached is enough not to be "cannot connect".</summary>
    public static ExitCode CodeOf(IReadOnlyCollection<EndpointStatus> all) =>
        all.All(e => !e.IsReachable) ? ExitCode.CannotConnect
        : all.All(e => e.IsHealthy) ? ExitCode.Ok
        : ExitCode.Unhealthy;

    private static JsonArray Json(EndpointStatus[] all) => [.. all.Select(e => new JsonObject
    {
        ["endpoint"] = e.Endpoint.OriginalString,
        ["reachable"] = e.IsReachable,
        ["healthy"] = e.IsHealthy,
        ["health"] = e.Health,
        ["readMilliseconds"] = Math.Round(e.Milliseconds, 3),
        ["clusterId"] = Hex(e.Status?.Header?.ClusterId),
        ["memberId"] = Hex(e.Status?.Header?.MemberId),
        ["leaderId"] = Hex(e.Status?.Leader),
        ["isLeader"] = e.Status is { } s && s.Leader != 0 && s.Leader == s.Header.MemberId,
        ["isLearner"] = e.Status?.IsLearner,
        ["version"] = e.Status?.Version,
        ["dbSize"] = e.Status?.DbSize,
        ["revision"] = e.Status?.Header?.Revision,
        ["raftTerm"] = e.Status?.RaftTerm,
        ["raftIndex"] = e.Status?.RaftIndex,
        ["raftAppliedIndex"] = e.Status?.RaftAppliedIndex,
    })];

    private static void WriteTable(TextWriter output, EndpointStatus[] all)
    {
        List<string[]> rows = [["ENDPOINT", "ID", "VERSION", "DB SIZE", "LEADER", "TERM", "INDEX", "APPLIED", "REVISION", "HEALTH"]];
        foreach (EndpointStatus e in all)
        {
            StatusResponse? s = e.Status;
            rows.Add(s is null
                ? [e.Endpoint.OriginalString, "-", "-", "-", "-", "-", "-", "-", "-", e.Health]
                :
                [
                    e.Endpoint.OriginalString, Hex(s.Header.MemberId)!, s.Version, Table.Size(s.DbSize),
                    s.Leader != 0 && s.Leader == s.Header.MemberId ? "yes" : s.IsLearner ? "learner" : "no",
                    Number(s.RaftTerm), Number(s.RaftIndex), Number(s.RaftAppliedIndex), Number((ulong)s.Header.Revision),
                    e.IsHealthy ? string.Create(CultureInfo.InvariantCulture, $"ok, {e.Milliseconds:0.0} ms") : e.Health,
                ]);
        }

        Table.Write(output, rows);
    }

    private static string? Hex(ulong? id) => id is { } known ? Table.Hex(known) : null;

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
