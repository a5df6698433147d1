using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Host;
using Quorate.Kv;

namespace Quorate.Locks;

/// <summary><c>quorate elect NAME VALUE</c> and <c>quorate elect NAME --listen</c>.</summary>
internal static class ElectCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "The election." };
        var value = new Argument<string?>("value") { Description = "What the leader says, once it leads.", Arity = ArgumentArity.ZeroOrOne };
        var listen = new Option<bool>("--listen", "-l") { Description = "Do not take part: print leaders and what they say, as it changes." };
        var (ttl, wait) = (LockCommand.Ttl(), LockCommand.Wait());
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "elect",
            "Wait to be the leader, print the leader's key, value and fencing token, and lead until Ctrl+C. Exit code 1 if leadership was lost, 3 if --wait is over.",
            "quorate elect scheduler host-a:8080", "quorate elect scheduler --listen")
        {
            name, value, listen, ttl, wait, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(listen) != parsed.GetValue(value) is null) { throw new CliException(ExitCode.Usage, "give either VALUE or --listen."); }
            using var signals = new StopSignals();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellationToken);
            ByteString election = ByteString.CopyFromUtf8(parsed.GetValue(name)!);
            bool isJson = Common.IsJson(parsed, format);
            TextWriter output = parsed.InvocationConfiguration.Output;
            TimeSpan patience = LockCommand.WaitOf(parsed, wait);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            if (parsed.GetValue(listen))
            {
                await ListenAsync(client, election, leader => Print(output, leader, isJson), stop.Token);
                return (int)ExitCode.Ok;
            }

            TimeSpan callTime = Common.TimeoutOf(parsed, timeout);
            await using HeldLease lease = await HeldLease.GrantAsync(client, parsed.GetValue(ttl), callTime, stop.Token);
            var request = new CampaignRequest { Name = election, Value = ByteString.CopyFromUtf8(parsed.GetValue(value)!), Lease = lease.Id };
            CampaignResponse won;
            try
            {
                won = await LongCall.CallAsync(client, EtcdMethods.Campaign, request, patience, lease, stop.Token);
            }
            catch (OperationCanceledException)
            {
                return (int)ExitCode.Failed; // Stopped before it led.
            }

            if (isJson) { KvOutput.Json(output, won); }
            else
            {
                KvOutput.Keys(output, [new KeyValue { Key = won.Leader.Key, Value = request.Value }], keysOnly: false, valuesOnly: false);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"token {won.Leader.Rev}"));
            }

            output.Flush();
            return await LockCommand.HoldAsync(lease, stop.Token);
        });
        return verb;
    }

    private static async Task ListenAsync(EtcdGrpcClient client, ByteString name, Action<LeaderResponse> print, CancellationToken stop)
    {
        KeyValue? told = null;
        int failures = 0;
        for (int endpoint = 0; !stop.IsCancellationRequested; endpoint = (endpoint + 1) % client.Endpoints)
        {
            try
            {
                await using EtcdGrpcStream<LeaderRequest, LeaderResponse> stream =
                    client.OpenStream(EtcdMethods.Observe, endpoint, requireLeader: true, stop);
                await stream.WriteAsync(new LeaderRequest { Name = name });
                while (await stream.ReadAsync() is { } response)
                {
                    failures = 0;
                    if (response.Kv.Equals(told)) { continue; } // Of a new stream: what the last one told.
                    told = response.Kv;
                    print(response);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (EtcdRpcException e) when (LongCall.MayChange(e))
            {
                // Every endpoint has had its turn, and nothing was ever heard: there is nobody there.
                if (++failures >= client.Endpoints && told is null) { throw new CliException(ExitCode.CannotConnect, e.Message, e); }
            }
            catch (EtcdRpcException e)
            {
                throw new CliException(CommandLine.CodeOf(e, isWrite: false), e.Message, e);
            }

            await Task.Delay(Pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static void Print(TextWriter output, LeaderResponse leader, bool isJson)
    {
        if (isJson) { KvOutput.Json(output, leader); }
        else { KvOutput.Keys(output, [leader.Kv], keysOnly: false, valuesOnly: false); }
        output.Flush();
    }
}
