namespace Quorate.Core;

/// <summary>Sorted bytes to bytes, as a state machine sees its shard's storage. Keys compare as unsigned bytes.</summary>
/// <remarks>Reads throw <see cref="CorruptFileException"/> on a damaged block and <see cref="DiskException"/> on a failed read.</remarks>
public interface IStoreReader
{
    /// <summary>The value of a key.</summary>
    /// <param name="key">At least 1 byte.</param>
    /// <param name="value">A view of the store's memory: valid until the reader is disposed or, for a writer, written to.</param>
    /// <returns>False if the key has no value.</returns>
    bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value);

    /// <summary>The first key at or after <paramref name="from"/> that starts with <paramref name="prefix"/>.</summary>
    /// <param name="prefix">
    /// Exactly what <see cref="IStateMachine.FilterPrefixLength"/> cuts from the keys looked for, so that filters can rule out files.
    /// </param>
    /// <param name="from">Starts with the prefix.</param>
    /// <param name="key">Valid as long as <paramref name="value"/>.</param>
    /// <param name="value">Valid until the reader is disposed or, for a writer, written to.</param>
    /// <returns>False if there is none.</returns>
    bool TryGetFirst(
        ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value);

    /// <summary>A cursor over the keys in [lower, upper).</summary>
    /// <param name="lower">Copied. Empty: from the first key.</param>
    /// <param name="upper">Copied. Empty: to the last key.</param>
    ICursor OpenCursor(ReadOnlySpan<byte> lower, ReadOnlySpan<byte> upper);
}

/// <summary>Walks keys in order, both ways, within its bounds. Not positioned when opened.</summary>
public interface ICursor : IDisposable
{
    /// <summary>True while it stands on a key.</summary>
    bool IsValid { get; }

    /// <summary>The key it stands on; valid until it moves.</summary>
    ReadOnlySpan<byte> Key { get; }

    /// <summary>The value it stands on; valid until it moves.</summary>
    ReadOnlySpan<byte> Value { get; }

    /// <summary>Moves to the first key. False if there is none.</summary>
    bool SeekFirst();

    /// <summary>Moves to the last key. False if there is none.</summary>
    bool SeekLast();

    /// <summary>Moves to the first key at or after <paramref name="key"/>. False if there is none.</summary>
    bool Seek(ReadOnlySpan<byte> key);

    /// <summary>Moves to the last key before <paramref name="key"/>. False if there is none.</summary>
    bool SeekBefore(ReadOnlySpan<byte> key);

    /// <summary>Moves to the next key. False at the end.</summary>
    bool Next();

    /// <summary>Moves to the previous key. False at the start.</summary>
    bool Previous();
}

/// <summary>The shard's data as of one applied index, unchanged by later writes. May be used and disposed on any one thread.</summary>
public interface IReadView : IStoreReader, IDisposable
{
    /// <summary>The last entry whose effects are in this view.</summary>
    LogIndex AppliedIndex { get; }

    /// <summary>
    /// The part of it that is in files; valid as long as the view. What compactions dropped from the view, filters chose that were
    /// made of this state or of an earlier one.
    /// </summary>
    IStoreReader Flushed { get; }
}

/// <summary>What a state machine writes to while it applies; it reads its own writes at once, views only when the host publishes.</summary>
public interface IStoreWriter : IStoreReader
{
    /// <summary>Sets a key's value. The first byte of a machine's keys is never 0: those are the host's.</summary>
    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Removes a key; removing what is not there is allowed.</summary>
    void Delete(ReadOnlySpan<byte> key);
}
