namespace Quorate.Storage.Engine;

/// <summary>
/// Walks one source of records (a memtable, a file, a level, or a merge of them) in key order, both ways. Each key once;
/// deleted keys are records too. When it is not valid, only the Seek methods may be called.
/// </summary>
internal abstract class SourceCursor
{
    public abstract bool IsValid { get; }

    // Valid until the cursor moves.
    public abstract ReadOnlySpan<byte> Key { get; }

    // Valid until the cursor moves or is released; of a memtable, as long as that.
    public abstract ReadOnlySpan<byte> Value { get; }

    public abstract bool IsTombstone { get; }

    public abstract void SeekFirst();

    public abstract void SeekLast();

    // To the first key at or after the given one.
    public abstract void Seek(ReadOnlySpan<byte> key);

    // To the last key before the given one.
    public abstract void SeekBefore(ReadOnlySpan<byte> key);

    public abstract void Next();

    public abstract void Previous();

    // Lets go of what it holds of its source. It may be used again: a cursor on a table after On.
    public virtual void Release()
    {
    }
}
