using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>Requests of etcd's KV service.</summary>
internal static class KvMessages
{
    public static Proto.RangeRequest Range(KeyRange keys, RangeOptions? options)
    {
        RangeOptions how = options ?? new();
        bool isDefaultOrder = how is { SortBy: SortBy.Key, Descending: false };
        return new Proto.RangeRequest
        {
            Key = keys.Start.Bytes,
            RangeEnd = keys.End.Bytes,
            Limit = how.Limit,
            Revision = how.Revision,
            SortTarget = (Proto.RangeRequest.Types.SortTarget)how.SortBy,
            SortOrder = isDefaultOrder ? Proto.RangeRequest.Types.SortOrder.None
                : how.Descending ? Proto.RangeRequest.Types.SortOrder.Descend
                : Proto.RangeRequest.Types.SortOrder.Ascend,
            Serializable = how.Serializable,
            KeysOnly = how.KeysOnly,
            CountOnly = how.CountOnly,
            MinModRevision = how.MinModRevision,
            MaxModRevision = how.MaxModRevision,
            MinCreateRevision = how.MinCreateRevision,
            MaxCreateRevision = how.MaxCreateRevision,
        };
    }

    public static Proto.PutRequest Put(Blob key, Blob value, PutOptions? options)
    {
        PutOptions how = options ?? new();
        return new Proto.PutRequest
        {
            Key = key.Bytes,
            Value = value.Bytes,
            Lease = how.LeaseId,
            PrevKv = how.Previous,
            IgnoreValue = how.KeepValue,
            IgnoreLease = how.KeepLease,
        };
    }

    public static Proto.DeleteRangeRequest Delete(KeyRange keys, bool previous) =>
        new() { Key = keys.Start.Bytes, RangeEnd = keys.End.Bytes, PrevKv = previous };
}
