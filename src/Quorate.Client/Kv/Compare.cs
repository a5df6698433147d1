using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>How two numbers or values must relate.</summary>
public enum Relation
{
    /// <summary>Equal.</summary>
    Equal = 0,

    /// <summary>What is stored is greater.</summary>
    Greater = 1,

    /// <summary>What is stored is less.</summary>
    Less = 2,

    /// <summary>Different.</summary>
    NotEqual = 3,
}

/// <summary>One comparison of a transaction, against the state before it. Of a range, every key must satisfy it.</summary>
/// <remarks>A key that is not there has version, revisions and lease 0; no comparison of its value holds.</remarks>
public sealed class Compare
{
    private Compare(Proto.Compare.Types.CompareTarget target, KeyRange keys, Relation relation)
    {
        Message = new Proto.Compare
        {
            Target = target,
            Key = keys.Start.Bytes,
            RangeEnd = keys.End.Bytes,
            Result = (Proto.Compare.Types.CompareResult)relation,
        };
    }

    internal Proto.Compare Message { get; }

    /// <summary>The key is there.</summary>
    public static Compare Exists(Blob key) => CreateRevision(key, Relation.Greater, 0);

    /// <summary>The key is not there.</summary>
    public static Compare Missing(Blob key) => CreateRevision(key, Relation.Equal, 0);

    /// <summary>Compares the value, byte by byte.</summary>
    public static Compare Value(KeyRange keys, Relation relation, Blob value) =>
        new(Proto.Compare.Types.CompareTarget.Value, keys, relation) { Message = { Value = value.Bytes } };

    /// <summary>Compares how often it was changed since its creation.</summary>
    public static Compare Version(KeyRange keys, Relation relation, long version) =>
        new(Proto.Compare.Types.CompareTarget.Version, keys, relation) { Message = { Version = version } };

    /// <summary>Compares the revision at which it was created.</summary>
    public static Compare CreateRevision(KeyRange keys, Relation relation, long revision) =>
        new(Proto.Compare.Types.CompareTarget.Create, keys, relation) { Message = { CreateRevision = revision } };

    /// <summary>Compares the revision of its last change.</summary>
    public static Compare ModRevision(KeyRange keys, Relation relation, long revision) =>
        new(Proto.Compare.Types.CompareTarget.Mod, keys, relation) { Message = { ModRevision = revision } };

    /// <summary>Compares the lease it goes with.</summary>
    public static Compare Lease(KeyRange keys, Relation relation, long leaseId) =>
        new(Proto.Compare.Types.CompareTarget.Lease, keys, relation) { Message = { Lease = leaseId } };
}
