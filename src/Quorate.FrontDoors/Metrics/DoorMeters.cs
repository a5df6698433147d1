using System.Collections.Frozen;
using Quorate.FrontDoors.Etcd;

namespace Quorate.FrontDoors.Metrics;

/// <summary>What one etcd door counts. Any thread.</summary>
internal sealed class DoorMeters
{
    private long _receivedBytes;
    private long _sentBytes;

    /// <param name="measuresCalls">Whether to measure how long calls take.</param>
    public DoorMeters(bool measuresCalls) => Rpcs = EtcdRpcs.All.Select(rpc => (rpc.Path, rpc.RequestType))
        .Concat(EtcdRpcs.Streams.Select(rpc => (rpc.Path, rpc.RequestType)))
        .ToFrozenDictionary(rpc => rpc.Path, rpc => new RpcMeter(rpc.Path, rpc.RequestType, measuresCalls));

    /// <summary>By path; every RPC that is served is there.</summary>
    public FrozenDictionary<string, RpcMeter> Rpcs { get; }

    /// <summary>Bytes of messages from clients over gRPC.</summary>
    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    /// <summary>Bytes of messages to clients over gRPC.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>Answers of the health pages: check, passed or not, how often.</summary>
    public HealthMeter Health { get; } = new();

    /// <summary>A message came.</summary>
    public void CountReceived(RpcMeter rpc, int bytes)
    {
        rpc.CountReceived();
        Interlocked.Add(ref _receivedBytes, bytes);
    }

    /// <summary>A message went.</summary>
    public void CountSent(RpcMeter rpc, long bytes)
    {
        rpc.CountSent();
        Interlocked.Add(ref _sentBytes, bytes);
    }
}

/// <summary>Counts checks of health. Any thread; asked for by probes, so a lock is cheap enough.</summary>
internal sealed class HealthMeter
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<(string Page, string Check), (long Passed, long Failed, bool Last)> _checks = [];

    /// <summary>All checks so far.</summary>
    public IReadOnlyList<(string Page, string Check, long Passed, long Failed, bool Last)> All
    {
        get { lock (_gate) { return [.. _checks.Select(c => (c.Key.Page, c.Key.Check, c.Value.Passed, c.Value.Failed, c.Value.Last))]; } }
    }

    /// <summary>A check was made.</summary>
    public void Count(string page, string check, bool passed)
    {
        lock (_gate)
        {
            (long good, long bad, bool _) = _checks.GetValueOrDefault((page, check));
            _checks[(page, check)] = (good + (passed ? 1 : 0), bad + (passed ? 0 : 1), passed);
        }
    }
}
