using System.CommandLine;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Kv;

namespace Quorate.Members;

/// <summary><c>quorate member list|add|promote|update|remove|replace|move-leader</c>.</summary>
internal static class MemberCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "member", "Show and change the members of a cluster. Members are named by name or by id.",
        "quorate member list", "quorate member add d --peer-urls http://10.0.0.4:2380 --learner", "quorate member promote d",
        "quorate member replace b", "quorate member remove 8e9e05c52164694d")
    {
        List(), Add(), Promote(), Update(), Remove(), Replace(), MoveLeader(),
    };

    private static Verb List()
    {
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb("list", "Show all members; linearizable.", "quorate member list", "quorate member list --format json")
        {
            endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            MemberListResponse response = await MemberCalls.ListAsync(client, Common.TimeoutOf(parsed, timeout), cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else { WriteTable(output, response.Members); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Add()
    {
        var name = new Argument<string>("name") { Description = "What the member will be called; it tells the cluster itself when it starts." };
        Option<string> urls = PeerUrls();
        var learner = new Option<bool>("--learner") { Description = "Without a vote, until promoted: the safe way, since a voter that never starts counts as one that is down." };
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "add", "Add a member, and say what to start. Exit code 5 if the outcome is unknown.",
            "quorate member add d --peer-urls http://10.0.0.4:2380 --learner")
        {
            name, urls, learner, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            MemberAddResponse response = await MemberCalls.AddAsync(
                client, Split(parsed.GetValue(urls)!), parsed.GetValue(learner), Common.TimeoutOf(parsed, timeout), cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else
            {
                output.WriteLine($"member {Table.Hex(response.Member.ID)} added");
                MemberReplacement.WriteStart(output, parsed.GetValue(name)!, response);
            }

            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Promote() => Change(
        "promote", "Give a learner its vote, once it is in sync. Exit code 3 if it is not, 5 if the outcome is unknown.", "promoted",
        EtcdMethods.MemberPromote, static id => new MemberPromoteRequest { ID = id });

    private static Verb Remove() => Change(
        "remove", "Remove a member for ever: its id never comes back. Exit code 5 if the outcome is unknown.", "removed",
        EtcdMethods.MemberRemove, static id => new MemberRemoveRequest { ID = id });

    private static Verb MoveLeader()
    {
        Argument<string> member = Member();
        var (endpoints, timeout) = (Common.ClusterEndpoints(), Common.Timeout());
        var verb = new Verb(
            "move-leader", "Hand leadership to a member. Needs the leader among the endpoints. Exit code 3 if there is no such voter.",
            "quorate member move-leader b --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379")
        {
            member, endpoints, timeout,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            TimeSpan wait = Common.TimeoutOf(parsed, timeout);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            FrontDoors.Etcd.Protos.Member to = await MemberCalls.FindAsync(client, parsed.GetValue(member)!, wait, cancellationToken);
            EndpointAccess access = endpoints.Access(parsed);
            foreach (Uri endpoint in Common.EndpointUris(parsed, endpoints))
            {
                using EtcdGrpcClient one = access.Connect(endpoint);
                StatusResponse status = await Rpc.CallAsync(one, EtcdMethods.Status, new StatusRequest(), wait, isWrite: false, cancellationToken);
                if (status.Leader != status.Header.MemberId) { continue; }
                await Rpc.CallAsync(one, EtcdMethods.MoveLeader, new MoveLeaderRequest { TargetID = to.ID }, wait, isWrite: true, cancellationToken);
                parsed.InvocationConfiguration.Output.WriteLine($"member {Table.Hex(to.ID)} leads");
                return (int)ExitCode.Ok;
            }

            throw new CliException(ExitCode.Precondition, "no leader endpoint given; give all members with --endpoints");
        });
        return verb;
    }

    private static Verb Update()
    {
        Argument<string> member = Member();
        Option<string> urls = PeerUrls();
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "update", "Change where its peers reach a member. Exit code 5 if the outcome is unknown.",
            "quorate member update b --peer-urls http://10.0.0.9:2380")
        {
            member, urls, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            TimeSpan wait = Common.TimeoutOf(parsed, timeout);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            FrontDoors.Etcd.Protos.Member found = await MemberCalls.FindAsync(client, parsed.GetValue(member)!, wait, cancellationToken);
            var request = new MemberUpdateRequest { ID = found.ID };
            request.PeerURLs.AddRange(Split(parsed.GetValue(urls)!));
            MemberUpdateResponse response = await Rpc.CallAsync(client, EtcdMethods.MemberUpdate, request, wait, isWrite: true, cancellationToken);
            Tell(parsed, format, response, $"member {Table.Hex(found.ID)} updated");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Replace()
    {
        Argument<string> member = Member();
        var noWait = new Option<bool>("--no-wait") { Description = "Do not wait for the new member to start; promote it later." };
        var (endpoints, timeout) = (Common.ClusterEndpoints(), Common.Timeout(600));
        var verb = new Verb(
            "replace",
            "Replace a member whose disk is gone, at the same peer URL: remove it, add a learner under a fresh id, say what to start, and "
            + "promote it once it is in sync. Can be repeated if it was interrupted. Exit code 5 if the outcome is unknown.",
            "quorate member replace b", "quorate member replace b --no-wait")
        {
            member, noWait, endpoints, timeout,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            var replacement = new MemberReplacement(client, parsed.InvocationConfiguration.Output);
            ulong id = await replacement.StartAsync(parsed.GetValue(member)!, cancellationToken);
            if (!parsed.GetValue(noWait)) { await replacement.PromoteAsync(id, Common.TimeoutOf(parsed, timeout), cancellationToken); }
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Change<TRequest, TResponse>(
        string name, string help, string done, EtcdMethod<TRequest, TResponse> method, Func<ulong, TRequest> request)
        where TRequest : IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        Argument<string> member = Member();
        var (endpoints, timeout, format) = (Common.ClusterEndpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(name, help, $"quorate member {name} b", $"quorate member {name} 8e9e05c52164694d") { member, endpoints, timeout, format };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            TimeSpan wait = Common.TimeoutOf(parsed, timeout);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            FrontDoors.Etcd.Protos.Member found = await MemberCalls.FindAsync(client, parsed.GetValue(member)!, wait, cancellationToken);
            TResponse response = await Rpc.CallAsync(client, method, request(found.ID), wait, isWrite: true, cancellationToken);
            Tell(parsed, format, response, $"member {Table.Hex(found.ID)} {done}");
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static void WriteTable(TextWriter output, IEnumerable<FrontDoors.Etcd.Protos.Member> members) => Table.Write(
        output,
        [
            ["ID", "STATUS", "NAME", "ROLE", "PEER URLS", "CLIENT URLS"],
            .. members.Select(m => (string[])
            [
                Table.Hex(m.ID), m.Name.Length == 0 ? "unstarted" : "started", m.Name.Length == 0 ? "-" : m.Name, m.IsLearner ? "learner" : "voter",
                string.Join(',', m.PeerURLs), m.ClientURLs.Count == 0 ? "-" : string.Join(',', m.ClientURLs),
            ]),
        ]);

    private static void Tell(ParseResult parsed, Option<string> format, IMessage response, string text)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
        else { output.WriteLine(text); }
    }

    private static Argument<string> Member() => new("member") { Description = "Its name, or its id as member list shows it." };

    private static Option<string> PeerUrls() => new("--peer-urls")
    {
        Description = "Where its peers reach it; several with commas.",
        HelpName = "urls",
        Required = true,
    };

    private static string[] Split(string urls) => urls.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
