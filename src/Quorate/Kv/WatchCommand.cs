using System.CommandLine;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Kv;

/// <summary><c>quorate watch</c>: prints changes until it is stopped, and goes on at another endpoint if the stream breaks.</summary>
internal static class WatchCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var key = new Argument<string>("key") { Description = "The key, or the first of a range." };
        var end = new Argument<string?>("end") { Description = "End of the range; not part of it.", Arity = ArgumentArity.ZeroOrOne };
        var prefix = new Option<bool>("--prefix") { Description = "All keys that start with KEY." };
        var fromKey = new Option<bool>("--from-key") { Description = "All keys from KEY on." };
        var revision = new Option<long>("--rev") { Description = "From this revision on. Default: from now on." };
        var prevKv = new Option<bool>("--prev-kv") { Description = "Print what was there before, too." };
        var noPut = new Option<bool>("--no-put") { Description = "No puts." };
        var noDelete = new Option<bool>("--no-delete") { Description = "No deletes." };
        var (endpoints, format) = (Common.Endpoints(), Common.Format());
        var verb = new Verb(
            "watch",
            "Print the changes of keys as they happen, until Ctrl+C. A broken stream is resumed at another endpoint, without a gap. "
            + "Exit code 3 if the revision asked for is compacted.",
            "quorate watch greeting", "quorate watch --prefix app/ --rev 7 --prev-kv", "quorate watch --prefix '' --format json")
        {
            key, end, prefix, fromKey, revision, prevKv, noPut, noDelete, endpoints, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            (ByteString first, ByteString last) =
                KvCommand.Range(parsed.GetValue(key)!, parsed.GetValue(end), parsed.GetValue(prefix), parsed.GetValue(fromKey));
            var request = new WatchCreateRequest
            {
                Key = first,
                RangeEnd = last,
                StartRevision = parsed.GetValue(revision),
                PrevKv = parsed.GetValue(prevKv),
            };
            if (parsed.GetValue(noPut)) { request.Filters.Add(WatchCreateRequest.Types.FilterType.Noput); }
            if (parsed.GetValue(noDelete)) { request.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete); }
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            bool isJson = Common.IsJson(parsed, format);
            await RunAsync(client, request, response => Print(parsed.InvocationConfiguration.Output, response, isJson), cancellationToken);
            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static async Task RunAsync(
        EtcdGrpcClient client, WatchCreateRequest request, Action<WatchResponse> print, CancellationToken stop)
    {
        int failures = 0;
        for (int endpoint = 0; !stop.IsCancellationRequested; endpoint = (endpoint + 1) % client.Endpoints)
        {
            try
            {
                await using EtcdGrpcStream<WatchRequest, WatchResponse> stream =
                    client.OpenStream(EtcdMethods.Watch, endpoint, requireLeader: true, stop);
                await stream.WriteAsync(new WatchRequest { CreateRequest = request });
                while (await stream.ReadAsync() is { } response)
                {
                    failures = 0;
                    Check(response);
                    if (request.StartRevision == 0) { request.StartRevision = response.Header.Revision + 1; }
                    if (response.Events.Count == 0) { continue; }
                    print(response);
                    request.StartRevision = response.Events[^1].Kv.ModRevision + 1;
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (EtcdRpcException e) when (e.Status is GrpcStatus.Unavailable or GrpcStatus.Internal)
            {
                // Every endpoint has had its turn, and nothing was ever heard: there is nobody there.
                if (++failures >= client.Endpoints && request.StartRevision == 0) { throw new CliException(ExitCode.CannotConnect, e.Message, e); }
            }
            catch (EtcdRpcException e)
            {
                throw new CliException(CommandLine.CodeOf(e, isWrite: false), e.Message, e);
            }

            await Task.Delay(Pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static void Check(WatchResponse response)
    {
        if (!response.Canceled) { return; }
        throw new CliException(
            ExitCode.Precondition,
            response.CompactRevision > 0
                ? $"the changes before revision {response.CompactRevision} are compacted; begin there"
                : $"the watch was cancelled: {response.CancelReason}");
    }

    private static void Print(TextWriter output, WatchResponse response, bool isJson)
    {
        if (isJson) { KvOutput.Json(output, response); }
        else
        {
            // As etcdctl: what happened, the key and value before if asked for, the key, the value.
            foreach (Event change in response.Events)
            {
                output.WriteLine(change.Type == Event.Types.EventType.Put ? "PUT" : "DELETE");
                if (change.PrevKv is not null) { KvOutput.Keys(output, [change.PrevKv], keysOnly: false, valuesOnly: false); }
                KvOutput.Keys(output, [change.Kv], keysOnly: false, valuesOnly: false);
            }
        }

        output.Flush();
    }
}
