using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Walks the keys of a range that exist at a revision, in order: of each key the newest version at or below it.</summary>
internal ref struct VersionScan
{
    // Versions to step over before a seek is worth it: a step mostly stays in its block, a seek descends anew.
    private const int StepsBeforeSeek = 4;

    private readonly ICursor _cursor;
    private readonly long _revision;
    private byte[] _prefix = new byte[128];
    private int _prefixLength;
    private bool _started;

    /// <param name="store">Not written to during the walk.</param>
    /// <param name="key">First user key.</param>
    /// <param name="rangeEnd">As <see cref="RangeQuery.RangeEnd"/>, but not empty.</param>
    /// <param name="revision">Versions above it are passed over.</param>
    public VersionScan(IStoreReader store, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd, long revision)
    {
        bool toTheLast = rangeEnd is [0];
        bool isEmpty = !toTheLast && rangeEnd.SequenceCompareTo(key) <= 0;
        ReadOnlySpan<byte> lower = VersionKeys.PrefixOf(key);
        _cursor = store.OpenCursor(
            lower, isEmpty ? lower : toTheLast ? VersionKeys.AfterAll : VersionKeys.PrefixOf(rangeEnd));
        _revision = revision;
    }

    /// <summary>The store key of the version it stands on.</summary>
    public readonly ReadOnlySpan<byte> StoreKey => _cursor.Key;

    /// <summary>The store value of the version it stands on.</summary>
    public readonly ReadOnlySpan<byte> StoreValue => _cursor.Value;

    /// <summary>Moves to the next key that exists. False at the end.</summary>
    public bool MoveNext()
    {
        bool isValid = _started ? MoveToNextKey() : _cursor.SeekFirst();
        _started = true;
        while (isValid)
        {
            if (VersionKeys.Revision(_cursor.Key) > _revision)
            {
                isValid = MoveToOlderVersion();
            }
            else if (VersionValue.IsTombstoneValue(_cursor.Value))
            {
                isValid = MoveToNextKey();
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    public readonly void Dispose() => _cursor.Dispose();

    // To this key's first version that is not too new, or to a later key.
    private bool MoveToOlderVersion()
    {
        RememberPrefix();
        for (int i = 0; i < StepsBeforeSeek; i++)
        {
            if (!_cursor.Next()) { return false; }
            if (!_cursor.Key.StartsWith(Prefix) || VersionKeys.Revision(_cursor.Key) <= _revision) { return true; }
        }

        VersionKeys.WriteSuffix(_revision, VersionKeys.LastSub, _prefix.AsSpan(_prefixLength));
        return _cursor.Seek(_prefix.AsSpan(0, _prefixLength + VersionKeys.SuffixBytes));
    }

    private bool MoveToNextKey()
    {
        RememberPrefix();
        for (int i = 0; i < StepsBeforeSeek; i++)
        {
            if (!_cursor.Next()) { return false; }
            if (!_cursor.Key.StartsWith(Prefix)) { return true; }
        }

        VersionKeys.MoveAfterVersions(Prefix);
        return _cursor.Seek(Prefix);
    }

    private readonly Span<byte> Prefix => _prefix.AsSpan(0, _prefixLength);

    private void RememberPrefix()
    {
        ReadOnlySpan<byte> prefix = VersionKeys.Prefix(_cursor.Key);
        if (_prefix.Length < prefix.Length + VersionKeys.SuffixBytes) { _prefix = new byte[2 * _cursor.Key.Length]; }
        prefix.CopyTo(_prefix);
        _prefixLength = prefix.Length;
    }
}
