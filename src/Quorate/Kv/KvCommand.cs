using System.CommandLine;
using Google.Protobuf;
using Quorate.Cli;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Leases;

namespace Quorate.Kv;

/// <summary><c>quorate kv get|put|del|txn</c>.</summary>
internal static class KvCommand
{
    /// <summary>The most bytes read from stdin: more than any server takes, less than would hurt here.</summary>
    private const int MaxInputBytes = 16 * 1024 * 1024;

    /// <summary>Creates the verb.</summary>
    public static Command Create() => new Verb(
        "kv", "Read and write keys over the etcd v3 API.",
        "quorate kv put greeting hello", "quorate kv get greeting", "quorate kv get --prefix app/ --keys-only",
        "quorate kv del greeting --endpoints http://127.0.0.1:2379,http://127.0.0.1:22379")
    {
        Get(), Put(), Delete(), Txn(),
    };

    private static Verb Get()
    {
        var key = new Argument<string>("key") { Description = "The key, or the first of a range." };
        var end = new Argument<string?>("end") { Description = "End of the range; not part of it.", Arity = ArgumentArity.ZeroOrOne };
        var prefix = new Option<bool>("--prefix") { Description = "All keys that start with KEY." };
        var fromKey = new Option<bool>("--from-key") { Description = "All keys from KEY on." };
        var revision = new Option<long>("--rev") { Description = "As of this revision. Default: the newest." };
        var limit = new Option<long>("--limit") { Description = "Most keys to return. Default: all." };
        var keysOnly = new Option<bool>("--keys-only") { Description = "No values." };
        var valuesOnly = new Option<bool>("--print-value-only") { Description = "No keys." };
        var countOnly = new Option<bool>("--count-only") { Description = "Only how many keys there are." };
        var serializable = new Option<bool>("--serializable") { Description = "Read what the server has, which may be stale." };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "get", "Read one key or many. Exit code 3 if there is none.",
            "quorate kv get greeting", "quorate kv get --prefix app/ --limit 10", "quorate kv get greeting --rev 7 --format json")
        {
            key, end, prefix, fromKey, revision, limit, keysOnly, valuesOnly, countOnly, serializable, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            (ByteString first, ByteString last) = Range(parsed.GetValue(key)!, parsed.GetValue(end), parsed.GetValue(prefix), parsed.GetValue(fromKey));
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            RangeResponse response = await Rpc.CallAsync(
                client, EtcdMethods.Range,
                new RangeRequest
                {
                    Key = first,
                    RangeEnd = last,
                    Revision = parsed.GetValue(revision),
                    Limit = parsed.GetValue(limit),
                    KeysOnly = parsed.GetValue(keysOnly),
                    CountOnly = parsed.GetValue(countOnly),
                    Serializable = parsed.GetValue(serializable),
                },
                Common.TimeoutOf(parsed, timeout), isWrite: false, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else if (parsed.GetValue(countOnly)) { output.WriteLine(response.Count); }
            else
            {
                KvOutput.Keys(output, response.Kvs, parsed.GetValue(keysOnly), parsed.GetValue(valuesOnly));
                if (response.More)
                {
                    parsed.InvocationConfiguration.Error.WriteLine($"{response.Kvs.Count} of {response.Count} keys; raise --limit for more");
                }
            }

            return (int)(response.Count == 0 && !parsed.GetValue(countOnly) ? ExitCode.Precondition : ExitCode.Ok);
        });
        return verb;
    }

    private static Verb Put()
    {
        var key = new Argument<string>("key") { Description = "The key." };
        var value = new Argument<string?>("value") { Description = "The value. Left out, or '-': read from stdin.", Arity = ArgumentArity.ZeroOrOne };
        var prevKv = new Option<bool>("--prev-kv") { Description = "Print what was there before." };
        var lease = new Option<string?>("--lease") { Description = "The lease to hang the key on, hexadecimal; the key goes with it." };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "put", "Write a key. Exit code 5 if the outcome is unknown.",
            "quorate kv put greeting hello", "quorate kv put config < config.json")
        {
            key, value, prevKv, lease, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            ByteString bytes = parsed.GetValue(value) is { } text and not "-"
                ? ByteString.CopyFromUtf8(text)
                : await ReadInputAsync(cancellationToken);
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            PutResponse response = await Rpc.CallAsync(
                client, EtcdMethods.Put,
                new PutRequest
                {
                    Key = ByteString.CopyFromUtf8(parsed.GetValue(key)!),
                    Value = bytes,
                    PrevKv = parsed.GetValue(prevKv),
                    Lease = parsed.GetValue(lease) is { } id ? LeaseId.Parse(id) : 0,
                },
                Common.TimeoutOf(parsed, timeout), isWrite: true, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else
            {
                output.WriteLine("OK");
                if (response.PrevKv is { } old) { KvOutput.Keys(output, [old], false, false); }
            }

            return (int)ExitCode.Ok;
        });
        return verb;
    }

    private static Verb Delete()
    {
        var key = new Argument<string>("key") { Description = "The key, or the first of a range." };
        var end = new Argument<string?>("end") { Description = "End of the range; not part of it.", Arity = ArgumentArity.ZeroOrOne };
        var prefix = new Option<bool>("--prefix") { Description = "All keys that start with KEY." };
        var fromKey = new Option<bool>("--from-key") { Description = "All keys from KEY on." };
        var prevKv = new Option<bool>("--prev-kv") { Description = "Print what was deleted." };
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "del", "Delete one key or many; prints how many. Exit code 3 if there was none.",
            "quorate kv del greeting", "quorate kv del --prefix app/")
        {
            key, end, prefix, fromKey, prevKv, endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            (ByteString first, ByteString last) = Range(parsed.GetValue(key)!, parsed.GetValue(end), parsed.GetValue(prefix), parsed.GetValue(fromKey));
            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            DeleteRangeResponse response = await Rpc.CallAsync(
                client, EtcdMethods.DeleteRange,
                new DeleteRangeRequest { Key = first, RangeEnd = last, PrevKv = parsed.GetValue(prevKv) },
                Common.TimeoutOf(parsed, timeout), isWrite: true, cancellationToken);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (Common.IsJson(parsed, format)) { KvOutput.Json(output, response); }
            else
            {
                output.WriteLine(response.Deleted);
                KvOutput.Keys(output, response.PrevKvs, false, false);
            }

            return (int)(response.Deleted == 0 ? ExitCode.Precondition : ExitCode.Ok);
        });
        return verb;
    }

    private static Verb Txn()
    {
        var (endpoints, timeout, format) = (Common.Endpoints(), Common.Timeout(), Common.Format());
        var verb = new Verb(
            "txn",
            "Compare, then read and write at one revision. Reads etcdctl's text form from stdin: comparisons, an empty line, "
            + "operations if all hold, an empty line, operations if not. Exit code 3 if a comparison did not hold.",
            "printf 'version(\"lock\") = \"0\"\\n\\nput lock me\\n\\nget lock\\n' | quorate kv txn")
        {
            endpoints, timeout, format,
        };
        verb.SetAction(async (parsed, cancellationToken) =>
        {
            ByteString text = await ReadInputAsync(cancellationToken);
            TxnRequest request;
            try
            {
                request = TxnText.Parse(text.ToStringUtf8());
            }
            catch (TxnTextException e)
            {
                throw new CliException(ExitCode.Usage, e.Message, e);
            }

            using EtcdGrpcClient client = Common.Client(parsed, endpoints);
            TxnResponse response = await Rpc.CallAsync(
                client, EtcdMethods.Txn, request, Common.TimeoutOf(parsed, timeout), isWrite: true, cancellationToken);
            if (Common.IsJson(parsed, format)) { KvOutput.Json(parsed.InvocationConfiguration.Output, response); }
            else { KvOutput.Txn(parsed.InvocationConfiguration.Output, response); }
            return (int)(response.Succeeded ? ExitCode.Ok : ExitCode.Precondition);
        });
        return verb;
    }

    internal static (ByteString Key, ByteString End) Range(string key, string? end, bool isPrefix, bool isFromKey)
    {
        if ((end is null ? 0 : 1) + (isPrefix ? 1 : 0) + (isFromKey ? 1 : 0) > 1)
        {
            throw new CliException(ExitCode.Usage, "give only one of END, --prefix and --from-key.");
        }

        ByteString bytes = ByteString.CopyFromUtf8(key);
        return isPrefix ? KeyRanges.Prefix(bytes)
            : isFromKey ? KeyRanges.From(bytes)
            : (bytes, end is null ? ByteString.Empty : ByteString.CopyFromUtf8(end));
    }

    private static async Task<ByteString> ReadInputAsync(CancellationToken cancellationToken)
    {
        using Stream stdin = Console.OpenStandardInput();
        using var buffer = new MemoryStream();
        byte[] piece = new byte[64 * 1024];
        int read;
        while ((read = await stdin.ReadAsync(piece, cancellationToken)) > 0)
        {
            buffer.Write(piece, 0, read);
            if (buffer.Length > MaxInputBytes) { throw new CliException(ExitCode.Usage, $"stdin has more than {MaxInputBytes} bytes."); }
        }

        return ByteString.CopyFrom(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
