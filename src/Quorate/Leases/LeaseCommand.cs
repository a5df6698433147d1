using System.CommandLine;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;

namespace Quorate.Leases;

/// <summary><c>quorate lease grant|revoke|keep-alive|timetolive|list</c>. Texts are etcdctl's.</summary>
internal static class LeaseCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "lease", "Grant, renew, show and revoke leases over the etcd v3 API.",
        "quorate lease grant 60", "quorate kv put --lease 694d71ddacfda227 service/a up", "quorate lease keep-alive 694d71ddacfda227",
        "quorate lease timetolive 694d71ddacfda227 --keys", "quorate lease revoke 694d71ddacfda227", "quorate lease list")
    {
        Grant(), Revoke(), KeepAlive(), TimeToLive(), List(),
    };

    private static Verb Grant()
    {
        var seconds = new Argument<long>("ttl") { Description = "Seconds that it lives without a renewal; servers raise it to their least." };
        var id = new Option<string?>("--id") { Description = "Its id, hexadecimal. Default: the server chooses." };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb("grant", "Create a lease. Exit code 5 if the outcome is unknown.", "quorate lease grant 60", "quorate lease grant 60 --id 1f")
        {
            seconds, id, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            var request = new LeaseGrantRequest { TTL = parsed.GetValue(seconds), ID = parsed.GetValue(id) is { } text ? LeaseId.Parse(text) : 0 };
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            LeaseGrantResponse response = await Rpc.CallAsync(
                client, EtcdMethods.LeaseGrant, request, Common.TimeoutOf(parsed, timeout), isWrite: true, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else { output.WriteLine($"lease {LeaseId.Text(response.ID)} granted with TTL({response.TTL}s)"); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Revoke()
    {
        var id = new Argument<string>("id") { Description = "The lease, hexadecimal." };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "revoke", "End a lease: its keys are deleted, all in one revision. Exit code 5 if the outcome is unknown.", "quorate lease revoke 694d71ddacfda227")
        {
            id, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            long lease = LeaseId.Parse(parsed.GetValue(id)!);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            LeaseRevokeResponse response = await Rpc.CallAsync(
                client, EtcdMethods.LeaseRevoke, new LeaseRevokeRequest { ID = lease }, Common.TimeoutOf(parsed, timeout), isWrite: true, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else { output.WriteLine($"lease {LeaseId.Text(lease)} revoked"); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb KeepAlive()
    {
        var id = new Argument<string>("id") { Description = "The lease, hexadecimal." };
        var once = new Option<bool>("--once") { Description = "Renew once, and end." };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "keep-alive", "Renew a lease after each third of its time, until stopped. Exit code 3 if it has ended.",
            "quorate lease keep-alive 694d71ddacfda227", "quorate lease keep-alive --once 694d71ddacfda227 --format json")
        {
            id, once, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            long lease = LeaseId.Parse(parsed.GetValue(id)!);
            TextWriter output = parsed.InvocationConfiguration.Output;
            bool isJson = Common.IsJson(parsed, format);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            var renewals = new LeaseRenewals(client, Common.EndpointUris(parsed, endpoints).Length, lease, Common.TimeoutOf(parsed, timeout));
            while (true)
            {
                LeaseKeepAliveResponse response = await renewals.RenewAsync(cancellationToken);
                if (isJson) { KvOutput.Json(output, response); }
                if (response.TTL <= 0)
                {
                    if (!isJson) { output.WriteLine($"lease {LeaseId.Text(lease)} expired or revoked."); }
                    return (int)ExitCode.Precondition;
                }

                if (!isJson) { output.WriteLine($"lease {LeaseId.Text(lease)} keepalived with TTL({response.TTL})"); }
                if (parsed.GetValue(once)) { return (int)ExitCode.Ok; }
                await Task.Delay(TimeSpan.FromSeconds(response.TTL) / 3, cancellationToken);
            }
        });
        return verb;
    }

    private static Verb TimeToLive()
    {
        var id = new Argument<string>("id") { Description = "The lease, hexadecimal." };
        var keys = new Option<bool>("--keys") { Description = "Show the keys that hang on it too." };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "timetolive", "Show how long a lease has left. Exit code 3 if it has ended.", "quorate lease timetolive 694d71ddacfda227 --keys")
        {
            id, keys, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            long lease = LeaseId.Parse(parsed.GetValue(id)!);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            LeaseTimeToLiveResponse response = await Rpc.CallAsync(
                client, EtcdMethods.LeaseTimeToLive, new LeaseTimeToLiveRequest { ID = lease, Keys = parsed.GetValue(keys) },
                Common.TimeoutOf(parsed, timeout), isWrite: false, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            bool hasEnded = response.TTL < 0;
            string attached = parsed.GetValue(keys) ? $", attached keys([{string.Join(' ', response.Keys.Select(static key => key.ToStringUtf8()))}])" : "";
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else if (hasEnded) { output.WriteLine($"lease {LeaseId.Text(lease)} already expired"); }
            else { output.WriteLine($"lease {LeaseId.Text(lease)} granted with TTL({response.GrantedTTL}s), remaining({response.TTL}s){attached}"); }
            return (int)(hasEnded ? ExitCode.Precondition : ExitCode.Ok);
        });
        return verb;
    }

    private static Verb List()
    {
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb("list", "List the leases, the one that ends first first.", "quorate lease list", "quorate lease list --format json")
        {
            endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            LeaseLeasesResponse response = await Rpc.CallAsync(
                client, EtcdMethods.LeaseLeases, new LeaseLeasesRequest(), Common.TimeoutOf(parsed, timeout), isWrite: false, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else
            {
                output.WriteLine($"found {response.Leases.Count} leases");
                foreach (LeaseStatus lease in response.Leases) { output.WriteLine(LeaseId.Text(lease.ID)); }
            }

            return (int)ExitCode.Ok;
        });
        return verb;
    }
}
