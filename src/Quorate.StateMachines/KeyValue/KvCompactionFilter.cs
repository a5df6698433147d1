using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Drops versions that nobody can read any more: of each key all that are older than its newest at or below the compacted
/// revision, and that one too if it is a tombstone from before it. A tombstone at the very revision stays, so that a watch from
/// there still tells of the delete (etcd-io/etcd#18089), and so do all changes of that revision. Of the index of changes what is
/// older goes.
/// </summary>
/// <remarks>
/// A tombstone goes only from the bottom: elsewhere it hides versions in files that this compaction does not see. "The bottom"
/// must therefore hold for the key's whole filter prefix: its older versions sort after the tombstone.
/// </remarks>
internal sealed class KvCompactionFilter : ICompactionFilter
{
    private readonly long _compacted;
    private byte[] _prefix = new byte[128];
    private int _prefixLength;

    /// <param name="compacted">The compacted revision: what is older than a key's state at it can go.</param>
    public KvCompactionFilter(long compacted) => _compacted = compacted;

    /// <inheritdoc/>
    public bool Keep(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isBottommost)
    {
        if (ChangeKeys.IsChange(key)) { return ChangeKeys.Revision(key) >= _compacted; }
        if (!VersionKeys.IsVersion(key)) { return true; }
        long revision = VersionKeys.Revision(key);
        if (revision > _compacted) { return true; }

        ReadOnlySpan<byte> prefix = VersionKeys.Prefix(key);
        if (prefix.SequenceEqual(_prefix.AsSpan(0, _prefixLength))) { return revision == _compacted; }

        if (_prefix.Length < prefix.Length) { _prefix = new byte[prefix.Length * 2]; }
        prefix.CopyTo(_prefix);
        _prefixLength = prefix.Length;
        return !(isBottommost && revision < _compacted && VersionValue.IsTombstoneValue(value));
    }
}
