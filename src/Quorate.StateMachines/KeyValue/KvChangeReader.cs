using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Walks the changes of a view in the order in which they were made. One thread, as long as the view lives.</summary>
public sealed class KvChangeReader : IDisposable
{
    private readonly IStoreReader _view;
    private readonly ICursor _cursor;
    private byte[] _userKey = new byte[64];
    private byte[] _versionKey = new byte[128];
    private int _userKeyLength;
    private bool _hasStarted;

    /// <param name="view">The state.</param>
    /// <param name="from">First revision; what was made before <see cref="KvQueries.DroppedBelow"/> is not all there.</param>
    public KvChangeReader(IStoreReader view, long from)
    {
        _view = view;
        Span<byte> lower = stackalloc byte[ChangeKeys.Length];
        ChangeKeys.Write(Math.Max(0, from), sub: 0, lower);
        _cursor = view.OpenCursor(lower, ChangeKeys.AfterAll);
    }

    /// <summary>The revision of the change it stands on.</summary>
    public long Revision => ChangeKeys.Revision(_cursor.Key);

    /// <summary>The changed key. Valid until the next move.</summary>
    public ReadOnlySpan<byte> Key => _userKey.AsSpan(0, _userKeyLength);

    /// <summary>Moves to the next change. False at the end.</summary>
    public bool MoveNext()
    {
        bool isValid = _hasStarted ? _cursor.Next() : _cursor.SeekFirst();
        _hasStarted = true;
        if (!isValid) { return false; }

        ReadOnlySpan<byte> escaped = _cursor.Value;
        if (_userKey.Length < escaped.Length)
        {
            _userKey = new byte[escaped.Length * 2];
            _versionKey = new byte[VersionKeys.LengthOf(_userKey)];
        }

        _userKeyLength = VersionKeys.WriteUserKeyOf(escaped, _userKey);
        return true;
    }

    /// <summary>What the change made of the key; the record's memory is its own. Null: it deleted it.</summary>
    public KeyValueRecord? Read()
    {
        int prefix = VersionKeys.WritePrefixOf(_cursor.Value, _versionKey);
        VersionKeys.WriteSuffix(Revision, ChangeKeys.Sub(_cursor.Key), _versionKey.AsSpan(prefix));
        bool found = _view.TryGet(_versionKey.AsSpan(0, prefix + VersionKeys.SuffixBytes), out ReadOnlySpan<byte> value);
        Invariant.Holds(found, $"revision {Revision} changed a key, and there is no such version");
        return VersionValue.IsTombstoneValue(value) ? null : Record(Revision, VersionValue.Read(value));
    }

    /// <summary>The key as it was before the revision of the change. Null if it did not exist, or if that state is dropped.</summary>
    /// <param name="dropped">The view's <see cref="KvQueries.DroppedBelow"/>, or more.</param>
    public KeyValueRecord? ReadPrevious(long dropped)
    {
        if (Revision - 1 < dropped) { return null; }
        int prefix = VersionKeys.WritePrefixOf(_cursor.Value, _versionKey);
        Span<byte> key = _versionKey.AsSpan(0, prefix + VersionKeys.SuffixBytes);
        return RangeReader.TryFind(_view, key, Revision - 1, out long modRevision, out VersionValue version)
            ? Record(modRevision, version)
            : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _cursor.Dispose();

    private KeyValueRecord Record(long modRevision, in VersionValue version) => new(
        Key.ToArray(), version.Value.ToArray(), version.CreateRevision, modRevision, version.Version, version.Lease);
}
