using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Host;
using Quorate.Kv;
using Quorate.Leases;

namespace Quorate.Locks;

/// <summary><c>quorate lock NAME [-- CMD args]</c>.</summary>
internal static class LockCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "The lock." };
        var command = new Argument<string[]>("command")
        {
            Description = "Run while the lock is held, after '--'. Left out: the lock is held until Ctrl+C.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var (ttl, wait) = (Ttl(), Wait());
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "lock",
            "Wait for a lock and hold it while a command runs, or until Ctrl+C. The command finds the lock's key in QUORATE_LOCK_KEY and the "
            + "fencing token in QUORATE_LOCK_REV; it is killed when the lock is lost. Exit code: the command's; 1 if the lock was lost; 3 if --wait is over.",
            "quorate lock nightly -- ./backup.sh --all", "quorate lock nightly --ttl 30 --wait 5 -- ./backup.sh", "quorate lock nightly")
        {
            name, command, ttl, wait, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            using var signals = new StopSignals();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellationToken);
            TimeSpan patience = WaitOf(parsed, wait);
            TimeSpan callTime = Common.TimeoutOf(parsed, timeout);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            await using HeldLease lease = await HeldLease.GrantAsync(client, parsed.GetValue(ttl), callTime, stop.Token);
            ByteString key;
            try
            {
                var request = new LockRequest { Name = ByteString.CopyFromUtf8(parsed.GetValue(name)!), Lease = lease.Id };
                key = (await LongCall.CallAsync(client, EtcdMethods.Lock, request, patience, lease, stop.Token)).Key;
            }
            catch (OperationCanceledException)
            {
                return (int)ExitCode.Failed; // Stopped before it was held.
            }

            RangeResponse read = await Rpc.CallAsync(
                client, EtcdMethods.Range, new RangeRequest { Key = key }, callTime, isWrite: false, CancellationToken.None);
            if (read.Kvs.Count == 0) { throw new CliException(ExitCode.Failed, "the lock was lost as soon as it was held"); }
            long token = read.Kvs[0].CreateRevision;
            if (parsed.GetValue(command) is { Length: > 0 } guarded)
            {
                return await GuardedCommand.RunAsync(guarded, key.ToStringUtf8(), token, lease.Lost, stop.Token);
            }

            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format))
            {
                output.WriteLine(new JsonObject { ["key"] = key.ToStringUtf8(), ["token"] = token, ["lease"] = LeaseId.Text(lease.Id) }.ToJsonString());
            }
            else { output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{key.ToStringUtf8()}\ntoken {token}")); }
            output.Flush();
            return await HoldAsync(lease, stop.Token);
        });
        return verb;
    }

    /// <summary><c>--ttl</c>, for what is held.</summary>
    public static Option<long> Ttl() => new("--ttl")
    {
        Description = "Seconds after which somebody else gets it if this process dies or loses the cluster. Default: 10.",
        HelpName = "seconds",
        DefaultValueFactory = _ => 10,
    };

    /// <summary><c>--wait</c>, for what is waited for.</summary>
    public static Option<double?> Wait() => new("--wait") { Description = "Most seconds to wait for it. Default: as long as it takes.", HelpName = "seconds" };

    /// <summary>The time to wait.</summary>
    /// <exception cref="CliException">It is out of range.</exception>
    public static TimeSpan WaitOf(ParseResult parsed, Option<double?> wait) => parsed.GetValue(wait) switch
    {
        null => Timeout.InfiniteTimeSpan,
        > 0 and <= 86_400 and double seconds => TimeSpan.FromSeconds(seconds),
        double seconds => throw new CliException(ExitCode.Usage, $"--wait is {seconds}; it must be more than 0 and at most 86400 seconds."),
    };

    /// <summary>Waits until it is to stop.</summary>
    /// <exception cref="CliException">The lease is lost.</exception>
    public static async Task<int> HoldAsync(HeldLease lease, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(lease.Lost, stop);
        await Task.Delay(Timeout.Infinite, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return stop.IsCancellationRequested
            ? (int)ExitCode.Ok
            : throw new CliException(ExitCode.Failed, "it was lost, since its lease could not be renewed in time");
    }
}
