using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Simulation.Checkers;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Clients that treat keys as registers: they read, write and compare-and-set.</summary>
/// <remarks>Every written value is new. Keys are left behind after some seconds, so that no register has too long a history.</remarks>
internal sealed class RegisterWorkload(Journal journal)
{
    private const int KeysAtATime = 10;
    private const long MicrosPerBatch = 5_000_000;

    private readonly ConcurrentDictionary<string, long?> _lastSeen = new();
    private long _values;

    /// <summary>All keys that were touched.</summary>
    public IEnumerable<string> Keys => _lastSeen.Keys.Order(StringComparer.Ordinal);

    /// <summary>One operation. The client says whether it can be used again.</summary>
    public Task StepAsync(RecordedClient client, Random random)
    {
        long batch = journal.Clock.Micros / MicrosPerBatch;
        string key = string.Create(CultureInfo.InvariantCulture, $"r/{batch}/{random.Next(KeysAtATime)}");
        _lastSeen.TryAdd(key, null);
        return random.Next(10) switch
        {
            < 4 => ReadAsync(client, key),
            < 7 => WriteAsync(client, key),
            _ => CompareAndSetAsync(client, key),
        };
    }

    /// <summary>Reads a register. False if it was not read.</summary>
    public async Task<bool> ReadAsync(RecordedClient client, string key)
    {
        Invoke(client, "read", key, null);
        (HistoryEventType type, RangeResponse? range) = await client.CallAsync<RangeResponse>(new RangeRequest { Key = Bytes(key) });
        long? value = range is { Kvs: [{ } kv] } ? long.Parse(kv.Value.ToStringUtf8(), CultureInfo.InvariantCulture) : null;
        Complete(client, type, "read", key, value);
        if (range is not null) { _lastSeen[key] = value; }
        return range is not null;
    }

    private async Task WriteAsync(RecordedClient client, string key)
    {
        long value = Interlocked.Increment(ref _values);
        Invoke(client, "write", key, value);
        (HistoryEventType type, _) = await client.CallAsync<PutResponse>(Put(key, value));
        Complete(client, type, "write", key, value);
        if (type == HistoryEventType.Ok) { _lastSeen[key] = value; }
    }

    private async Task CompareAndSetAsync(RecordedClient client, string key)
    {
        long? expected = _lastSeen.GetValueOrDefault(key);
        long value = Interlocked.Increment(ref _values);
        Invoke(client, "cas", key, new JsonArray(expected, value));
        Compare compare = expected is { } number
            ? new Compare { Key = Bytes(key), Target = Compare.Types.CompareTarget.Value, Value = Bytes(number) }
            : new Compare { Key = Bytes(key), Target = Compare.Types.CompareTarget.Version, Version = 0 };
        var request = new TxnRequest { Compare = { compare }, Success = { new RequestOp { RequestPut = Put(key, value) } } };
        (HistoryEventType type, TxnResponse? txn) = await client.CallAsync<TxnResponse>(request);
        Complete(client, type, "cas", key, new JsonArray(expected, value), txn is not { Succeeded: false });
        if (txn is { Succeeded: true }) { _lastSeen[key] = value; }
    }

    private void Invoke(RecordedClient client, string function, string key, JsonNode? value) =>
        journal.Registers.Write(client.Process, HistoryEventType.Invoke, function, key, value);

    private void Complete(RecordedClient client, HistoryEventType type, string function, string key, JsonNode? value, bool applied = true) =>
        journal.Registers.Write(client.Process, type, function, key, value, applied);

    private static PutRequest Put(string key, long value) => new() { Key = Bytes(key), Value = Bytes(value) };

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private static ByteString Bytes(long value) => Bytes(value.ToString(CultureInfo.InvariantCulture));
}
