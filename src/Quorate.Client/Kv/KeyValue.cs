using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client;

/// <summary>One key at one revision.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">Its value; empty if only keys were asked for.</param>
/// <param name="CreateRevision">Revision at which it was last created.</param>
/// <param name="ModRevision">Revision of its last change.</param>
/// <param name="Version">Changes since creation, from 1; 0 once deleted.</param>
/// <param name="LeaseId">The lease it goes with; 0: none.</param>
public sealed record KeyValue(Blob Key, Blob Value, long CreateRevision, long ModRevision, long Version, long LeaseId)
{
    internal static KeyValue Of(Proto.KeyValue kv) =>
        new(new(kv.Key), new(kv.Value), kv.CreateRevision, kv.ModRevision, kv.Version, kv.Lease);

    internal static KeyValue? OfOptional(Proto.KeyValue? kv) => kv is null ? null : Of(kv);
}
