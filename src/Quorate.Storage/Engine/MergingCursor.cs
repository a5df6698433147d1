namespace Quorate.Storage.Engine;

/// <summary>Merges sources into one. The newest source comes first: of a key that several have, it gives that one's record.</summary>
internal sealed class MergingCursor(SourceCursor[] sources) : SourceCursor
{
    private readonly Core.ByteWriter _key = new();
    private int _current = -1;
    private bool _isForward = true;

    public override bool IsValid => _current >= 0;

    public override ReadOnlySpan<byte> Key => sources[_current].Key;

    public override ReadOnlySpan<byte> Value => sources[_current].Value;

    public override bool IsTombstone => sources[_current].IsTombstone;

    public override void SeekFirst()
    {
        foreach (SourceCursor source in sources) { source.SeekFirst(); }
        _isForward = true;
        Choose();
    }

    public override void SeekLast()
    {
        foreach (SourceCursor source in sources) { source.SeekLast(); }
        _isForward = false;
        Choose();
    }

    public override void Seek(ReadOnlySpan<byte> key)
    {
        foreach (SourceCursor source in sources) { source.Seek(key); }
        _isForward = true;
        Choose();
    }

    public override void SeekBefore(ReadOnlySpan<byte> key)
    {
        foreach (SourceCursor source in sources) { source.SeekBefore(key); }
        _isForward = false;
        Choose();
    }

    public override void Next()
    {
        if (!_isForward)
        {
            // The others stand before the key; where they have it too, the loop below steps over it.
            ReadOnlySpan<byte> key = CopyKey();
            for (int i = 0; i < sources.Length; i++)
            {
                if (i != _current) { sources[i].Seek(key); }
            }

            _isForward = true;
        }

        SourceCursor current = sources[_current];
        for (int i = 0; i < sources.Length; i++)
        {
            SourceCursor source = sources[i];
            if (i != _current && source.IsValid && source.Key.SequenceEqual(current.Key)) { source.Next(); }
        }

        current.Next();
        Choose();
    }

    public override void Previous()
    {
        if (_isForward)
        {
            ReadOnlySpan<byte> key = CopyKey();
            for (int i = 0; i < sources.Length; i++)
            {
                if (i != _current) { sources[i].SeekBefore(key); }
            }

            _isForward = false;
        }

        SourceCursor current = sources[_current];
        for (int i = 0; i < sources.Length; i++)
        {
            SourceCursor source = sources[i];
            if (i != _current && source.IsValid && source.Key.SequenceEqual(current.Key)) { source.Previous(); }
        }

        current.Previous();
        Choose();
    }

    public override void Release()
    {
        _current = -1;
        foreach (SourceCursor source in sources) { source.Release(); }
    }

    private ReadOnlySpan<byte> CopyKey()
    {
        _key.Clear();
        _key.Raw(Key);
        return _key.Written;
    }

    private void Choose()
    {
        _current = -1;
        for (int i = 0; i < sources.Length; i++)
        {
            if (!sources[i].IsValid) { continue; }
            int order = _current < 0 ? 0 : sources[i].Key.SequenceCompareTo(sources[_current].Key);
            if (_current < 0 || (_isForward ? order < 0 : order > 0)) { _current = i; }
        }
    }
}
