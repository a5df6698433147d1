// The engine's readers run on any thread. All that this needs of System.Threading is in this file; nothing of it decides
// anything, so the engine stays deterministic when it is driven from one thread.
#pragma warning disable RS0030 // Reference counts, one short lock and the publication of skip list nodes to readers.
namespace Quorate.Storage.Engine;

/// <summary>Something that several threads hold on to and that is freed with its last reference. Born with one.</summary>
internal abstract class Shared
{
    private int _references = 1;

    public void Acquire()
    {
        int now = Interlocked.Increment(ref _references);
        Core.Invariant.Holds(now > 1, $"{GetType().Name} is used after it was freed");
    }

    public void Release()
    {
        int now = Interlocked.Decrement(ref _references);
        Core.Invariant.Holds(now >= 0, $"{GetType().Name} is released more often than acquired");
        if (now == 0) { Free(); }
    }

    // On the thread that let go last.
    protected abstract void Free();

    // Nobody holds it and nobody can find it: it is born again, with one reference.
    protected void Renew()
    {
        Core.Invariant.Holds(_references == 0, $"{GetType().Name} is renewed while it has {_references} references");
        _references = 1;
    }
}

/// <summary>A lock held for the length of a using block.</summary>
internal readonly ref struct Exclusive : IDisposable
{
    private readonly object _gate;

    private Exclusive(object gate) => _gate = gate;

    public static Exclusive Enter(object gate)
    {
        Monitor.Enter(gate);
        return new Exclusive(gate);
    }

    public void Dispose() => Monitor.Exit(_gate);
}

/// <summary>A pointer written by one thread and followed by others, who then see all that was written before it.</summary>
internal static unsafe class Published
{
    public static byte* Read(nint* slot) => (byte*)Volatile.Read(ref *slot);

    public static void Write(nint* slot, byte* value) => Volatile.Write(ref *slot, (nint)value);
}
