using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>A lease.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Seconds">How long it lives without a renewal.</param>
/// <param name="Deadline">When it ends, in milliseconds of the shard's clock (<see cref="CommittedCommand.Clock"/>).</param>
public readonly record struct KvLease(long Id, long Seconds, long Deadline);

/// <summary>Reads of leases from a view; as <see cref="KvQueries"/>.</summary>
public static class LeaseQueries
{
    /// <summary>A lease, or null if there is none of that id.</summary>
    public static KvLease? Find(IStoreReader view, long id) =>
        LeaseStore.TryRead(view, id, out LeaseRecord lease) ? new KvLease(lease.Id, lease.Seconds, lease.Deadline) : null;

    /// <summary>All leases, the one that ends first first.</summary>
    public static ImmutableArray<KvLease> All(IStoreReader view) =>
    [
        .. LeaseStore.ReadAll(view).OrderBy(static lease => lease.Deadline)
            .Select(static lease => new KvLease(lease.Id, lease.Seconds, lease.Deadline)),
    ];

    /// <summary>The keys that hang on a lease, in order; none if there is no such lease.</summary>
    public static ImmutableArray<ReadOnlyMemory<byte>> KeysOf(IStoreReader view, long id)
    {
        var bytes = new ByteWriter();
        LeaseKeys.Collect(view, id, from: [], enoughBytes: int.MaxValue, bytes);
        ImmutableArray<ReadOnlyMemory<byte>>.Builder keys = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var reader = new ByteReader(bytes.Written);
        while (!reader.AtEnd) { keys.Add(reader.Bytes().ToArray()); }
        return keys.DrainToImmutable();
    }
}
