using System.CommandLine;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;

namespace Quorate.Keyspaces;

/// <summary><c>quorate keyspace create|update|delete|list|status</c>.</summary>
internal static class KeyspaceCommand
{
    private const string NameHelp = "1 to 63 of a-z, 0-9, dot, dash and underscore; a letter or digit first.";

    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "keyspace", "Create, change, delete and show keyspaces: stores of their own in one cluster, each a whole etcd.",
        "quorate keyspace create team-a", "quorate kv put --keyspace team-a greeting hello", "quorate keyspace list",
        "quorate keyspace status --format json", "quorate keyspace delete team-a --yes")
    {
        CreateOne(), Update(), Delete(), List(), Status(),
    };

    private static Verb CreateOne()
    {
        var name = new Argument<string>("name") { Description = NameHelp };
        Option<long> quota = Quota();
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "create", "Create a keyspace, and wait until it is served. Exit code 3 if it exists, 5 if the outcome is unknown.",
            "quorate keyspace create team-a", "quorate keyspace create team-b --quota-bytes 1073741824")
        {
            name, quota, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            string created = parsed.GetValue(name)!;
            TimeSpan wait = Common.TimeoutOf(parsed, timeout);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            KeyspaceResponse response = await Rpc.CallAsync(
                client, EtcdMethods.KeyspaceCreate, new KeyspaceCreateRequest { Name = created, QuotaBytes = parsed.GetValue(quota) },
                wait, isWrite: true, cancellationToken);

            // Members make their replicas when they hear of it; the client asks again as long as the one it asks has none.
            using EtcdGrpcClient inside = Common.Client(parsed, endpoints, created);
            await Rpc.CallAsync(
                inside, EtcdMethods.Range, new RangeRequest { Key = ByteString.CopyFromUtf8("health") }, wait, isWrite: false, cancellationToken);
            Tell(parsed, format, response, $"keyspace {created} created, shard {response.Shard}");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Update()
    {
        var name = new Argument<string>("name") { Description = NameHelp };
        Option<long> quota = Quota();
        quota.Required = true;
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "update", "Change a keyspace's quota. Exit code 3 if there is no such keyspace, 5 if the outcome is unknown.",
            "quorate keyspace update team-a --quota-bytes 2147483648")
        {
            name, quota, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            KeyspaceResponse response = await Rpc.CallAsync(
                client, EtcdMethods.KeyspaceUpdate,
                new KeyspaceUpdateRequest { Name = parsed.GetValue(name)!, QuotaBytes = parsed.GetValue(quota) },
                Common.TimeoutOf(parsed, timeout), isWrite: true, cancellationToken);
            Tell(parsed, format, response, $"keyspace {parsed.GetValue(name)} updated");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Delete()
    {
        var name = new Argument<string>("name") { Description = NameHelp };
        var yes = new Option<bool>("--yes") { Description = "Really: all keys, leases and watches of the keyspace go with it." };
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "delete", "Delete a keyspace and all it holds, for ever. Exit code 3 if there is no such keyspace, 5 if the outcome is unknown.",
            "quorate keyspace delete team-a --yes")
        {
            name, yes, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            if (!parsed.GetValue(yes))
            {
                throw new CliException(
                    ExitCode.Usage, $"All that keyspace {parsed.GetValue(name)} holds would be deleted for ever; give --yes to do it. Nothing was done.");
            }

            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            KeyspaceResponse response = await Rpc.CallAsync(
                client, EtcdMethods.KeyspaceDelete, new KeyspaceDeleteRequest { Name = parsed.GetValue(name)! },
                Common.TimeoutOf(parsed, timeout), isWrite: true, cancellationToken);
            Tell(parsed, format, response, $"keyspace {parsed.GetValue(name)} deleted");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb List()
    {
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb("list", "Show all keyspaces.", "quorate keyspace list", "quorate keyspace list --format json")
        {
            endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            KeyspaceListResponse response = await Rpc.CallAsync(
                client, EtcdMethods.KeyspaceList, new KeyspaceListRequest(), Common.TimeoutOf(parsed, timeout), isWrite: false, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else { KeyspaceTables.WriteList(output, response); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Status()
    {
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "status", "Show what each endpoint sees of each keyspace: leader, term, size, revision. Exit code 10 if one has no leader somewhere.",
            "quorate keyspace status", "quorate keyspace status --endpoints http://127.0.0.1:2379,http://127.0.0.1:22379 --format json")
        {
            endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            TimeSpan wait = Common.TimeoutOf(parsed, timeout);
            var answers = new List<(Uri Endpoint, KeyspaceListResponse Answer)>();
            EndpointAccess access = endpoints.Access(parsed);
            foreach (Uri endpoint in Common.EndpointUris(parsed, endpoints))
            {
                using EtcdGrpcClient client = access.Connect(endpoint);
                answers.Add((endpoint, await Rpc.CallAsync(
                    client, EtcdMethods.KeyspaceList, new KeyspaceListRequest(), wait, isWrite: false, cancellationToken)));
            }

            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { output.WriteLine(KeyspaceTables.Json(answers).ToJsonString()); }
            else { KeyspaceTables.WriteStatus(output, answers); }
            return (int)(answers.All(a => a.Answer.Keyspaces.All(k => k.Leader != 0)) ? ExitCode.Ok : ExitCode.Unhealthy);
        });
        return verb;
    }

    private static Option<long> Quota() => new("--quota-bytes")
    {
        Description = "Most bytes that it is to hold on each member. Default: 0, no limit of its own.",
        HelpName = "bytes",
    };

    private static void Tell(ParseResult parsed, Option<string> format, KeyspaceResponse response, string text)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
        else { output.WriteLine(text); }
    }
}
