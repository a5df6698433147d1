using System.Globalization;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Puts and gets through one server, in text.</summary>
internal sealed class KeyValues(ServerProcess server) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly EtcdGrpcClient _client = new([server.Endpoint]);

    public Task PutAsync(string key, string value) => PutAsync(key, ByteString.CopyFromUtf8(value));

    public Task PutAsync(string key, ByteString value) =>
        _client.CallAsync(EtcdMethods.Put, new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = value }, Patience);

    /// <summary>The value, or null if there is no such key. Linearizable.</summary>
    public async Task<string?> GetAsync(string key)
    {
        RangeResponse range = await _client.CallAsync(
            EtcdMethods.Range, new RangeRequest { Key = ByteString.CopyFromUtf8(key) }, Patience);
        return range.Kvs.Count == 0 ? null : range.Kvs[0].Value.ToStringUtf8();
    }

    /// <summary>Puts <c>prefix0001 = value of prefix0001</c> and so on, one after the other.</summary>
    public async Task PutManyAsync(string prefix, int first, int last)
    {
        for (int i = first; i <= last; i++) { await PutAsync(Key(prefix, i), ValueOf(Key(prefix, i))); }
    }

    /// <summary>Fails unless all that <see cref="PutManyAsync"/> put is there.</summary>
    public async Task ExpectManyAsync(string prefix, int first, int last)
    {
        RangeResponse range = await _client.CallAsync(
            EtcdMethods.Range,
            new RangeRequest
            {
                Key = ByteString.CopyFromUtf8(Key(prefix, first)),
                RangeEnd = ByteString.CopyFromUtf8(Key(prefix, last) + "\0"),
            },
            Patience);
        string[] wanted = [.. Enumerable.Range(first, last - first + 1).Select(i => Key(prefix, i))];
        Assert.Equal(wanted, range.Kvs.Select(kv => kv.Key.ToStringUtf8()));
        Assert.All(range.Kvs, kv => Assert.Equal(ValueOf(kv.Key.ToStringUtf8()), kv.Value.ToStringUtf8()));
    }

    public static string Key(string prefix, int number) => prefix + number.ToString("D4", CultureInfo.InvariantCulture);

    public static string ValueOf(string key) => "value of " + key;

    public void Dispose() => _client.Dispose();
}
