namespace Quorate.StateMachines.KeyValue;

/// <summary>One key as of some revision.</summary>
/// <remarks>Equality is that of the memory referred to, not of its bytes: compare spans.</remarks>
/// <param name="Key">At least 1 byte.</param>
/// <param name="Value">Empty if only keys were asked for.</param>
/// <param name="CreateRevision">The revision that created the key; older lives of a deleted key do not count.</param>
/// <param name="ModRevision">The revision of the last put.</param>
/// <param name="Version">Puts since the key was created; 1 after the first.</param>
/// <param name="Lease">The lease the key hangs on, or 0.</param>
public readonly record struct KeyValueRecord(
    ReadOnlyMemory<byte> Key,
    ReadOnlyMemory<byte> Value,
    long CreateRevision,
    long ModRevision,
    long Version,
    long Lease);
