using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>etcdctl, a process for each call. It knows what registers need: get, put, and a put under one compare.</summary>
internal sealed class EtcdctlStoreClient(IEnumerable<Uri> endpoints) : IStoreClient
{
    private readonly string _endpoints = string.Join(',', endpoints.Select(endpoint => endpoint.Authority));

    /// <summary>Why there is no such client here; null if there is.</summary>
    public static string? Unavailable { get; } = File.Exists("/usr/bin/etcdctl") ? null : "etcdctl is not installed; .ci/run installs it";

    public string Name => "etcdctl";

    public Task<IMessage> CallAsync(IMessage request) => Task.Run<IMessage>(() => request switch
    {
        PutRequest put => Put(put),
        RangeRequest range => Get(range),
        TxnRequest txn => Txn(txn),
        _ => throw new ArgumentException($"{request.GetType().Name} is not known here", nameof(request)),
    });

    public void Dispose()
    {
        // Each process has ended by itself.
    }

    private PutResponse Put(PutRequest put)
    {
        using JsonDocument json = Run(null, "put", "--", put.Key.ToStringUtf8(), put.Value.ToStringUtf8());
        return new PutResponse { Header = Header(json.RootElement) };
    }

    private RangeResponse Get(RangeRequest range)
    {
        using JsonDocument json = Run(null, "get", "--", range.Key.ToStringUtf8());
        var response = new RangeResponse { Header = Header(json.RootElement), Count = Number(json.RootElement, "count") };
        if (!json.RootElement.TryGetProperty("kvs", out JsonElement kvs)) { return response; }
        foreach (JsonElement kv in kvs.EnumerateArray())
        {
            response.Kvs.Add(new KeyValue
            {
                Key = ByteString.FromBase64(kv.GetProperty("key").GetString()!),
                Value = ByteString.FromBase64(kv.GetProperty("value").GetString()!),
                CreateRevision = Number(kv, "create_revision"),
                ModRevision = Number(kv, "mod_revision"),
                Version = Number(kv, "version"),
            });
        }

        return response;
    }

    private TxnResponse Txn(TxnRequest txn)
    {
        Compare compare = txn.Compare.Single();
        PutRequest put = txn.Success.Single().RequestPut;
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $"{(compare.Target == Compare.Types.CompareTarget.Value ? "value" : "version")}");
        script.Append(CultureInfo.InvariantCulture, $"(\"{compare.Key.ToStringUtf8()}\") = ");
        script.Append(CultureInfo.InvariantCulture, $"\"{(compare.Target == Compare.Types.CompareTarget.Value ? compare.Value.ToStringUtf8() : "0")}\"\n\n");
        script.Append(CultureInfo.InvariantCulture, $"put {put.Key.ToStringUtf8()} {put.Value.ToStringUtf8()}\n\n\n");
        using JsonDocument json = Run(script.ToString(), "txn");
        bool succeeded = json.RootElement.TryGetProperty("succeeded", out JsonElement flag) && flag.GetBoolean();
        var response = new TxnResponse { Header = Header(json.RootElement), Succeeded = succeeded };
        if (succeeded) { response.Responses.Add(new ResponseOp { ResponsePut = new PutResponse() }); }
        return response;
    }

    // It is killed when its time is over, which its own --command-timeout leaves to us: a server that says first that time ran out is
    // taken for one to be left for another, and the call is sent again, as a second write.
    private JsonDocument Run(string? input, params string[] command)
    {
        string[] call = ["etcdctl", "--endpoints", _endpoints, "--dial-timeout=1s", "--command-timeout=60s", "--write-out=json", .. command];
        Tool.Result result = Tool.Run("timeout", ["--signal=KILL", "2", .. call], input);
        if (result.ExitCode != 0) { throw new CallFailedException(result.Error, Refusals.MayHaveHappenedOfEtcdctl(result.Error)); }
        return JsonDocument.Parse(result.Output);
    }

    private static ResponseHeader Header(JsonElement answer) => new() { Revision = Number(answer.GetProperty("header"), "revision") };

    // etcdctl leaves out what is zero.
    private static long Number(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement number) ? number.GetInt64() : 0;
}
