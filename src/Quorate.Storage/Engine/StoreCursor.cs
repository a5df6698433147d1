using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>The cursor that a store's readers see: within bounds, without deleted keys. Holds its state until it is disposed.</summary>
internal sealed class StoreCursor : ICursor
{
    private readonly byte[] _lower;
    private readonly byte[] _upper;
    private readonly MergingCursor _merged;
    private ReadState? _state;
    private bool _isValid;

    public StoreCursor(ReadState state, ulong sequence, ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper)
    {
        _lower = lower.ToArray();
        _upper = upper.ToArray();
        _merged = state.OpenCursor(sequence);
        state.Acquire();
        _state = state;
    }

    public bool IsValid => _isValid;

    public ReadOnlySpan<byte> Key => _isValid ? _merged.Key : throw NoKey();

    public ReadOnlySpan<byte> Value => _isValid ? _merged.Value : throw NoKey();

    public bool SeekFirst()
    {
        RequireOpen();
        if (_lower.Length == 0) { _merged.SeekFirst(); }
        else { _merged.Seek(_lower); }
        return SettleForward();
    }

    public bool SeekLast()
    {
        RequireOpen();
        if (_upper.Length == 0) { _merged.SeekLast(); }
        else { _merged.SeekBefore(_upper); }
        return SettleBackward();
    }

    public bool Seek(ReadOnlySpan<byte> key)
    {
        RequireOpen();
        if (key.SequenceCompareTo(_lower) <= 0) { return SeekFirst(); }
        _merged.Seek(key);
        return SettleForward();
    }

    public bool SeekBefore(ReadOnlySpan<byte> key)
    {
        RequireOpen();
        if (_upper.Length > 0 && key.SequenceCompareTo(_upper) >= 0) { return SeekLast(); }
        _merged.SeekBefore(key);
        return SettleBackward();
    }

    public bool Next()
    {
        RequireOpen();
        if (!_isValid) { return false; }
        _merged.Next();
        return SettleForward();
    }

    public bool Previous()
    {
        RequireOpen();
        if (!_isValid) { return false; }
        _merged.Previous();
        return SettleBackward();
    }

    public void Dispose()
    {
        _isValid = false;
        ReadState? held = _state;
        _state = null;
        _merged.Release();
        held?.Release();
    }

    private static InvalidOperationException NoKey() => new("the cursor stands on no key");

    private bool SettleForward()
    {
        while (_merged.IsValid && IsBelowUpper(_merged.Key))
        {
            if (!_merged.IsTombstone) { return _isValid = true; }
            _merged.Next();
        }

        return _isValid = false;
    }

    private bool SettleBackward()
    {
        while (_merged.IsValid && _merged.Key.SequenceCompareTo(_lower) >= 0)
        {
            if (!_merged.IsTombstone) { return _isValid = true; }
            _merged.Previous();
        }

        return _isValid = false;
    }

    private bool IsBelowUpper(ReadOnlySpan<byte> key) => _upper.Length == 0 || key.SequenceCompareTo(_upper) < 0;

    private void RequireOpen() => ObjectDisposedException.ThrowIf(_state is null, this);
}
