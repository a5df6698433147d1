using BenchmarkDotNet.Attributes;
using Quorate.Core;

namespace Quorate.Benchmarks;

/// <summary>The engine's memtable: keys of 16 bytes in random order, values of 256.</summary>
public class MemTableBenchmarks
{
    private const int Records = 20_000;

    private readonly byte[][] _keys = [.. Enumerable.Range(0, Records).Select(TestStore.Key)];
    private readonly byte[] _value = new byte[256];
    private TestStore? _empty;
    private TestStore? _full;
    private IReadView? _view;

    /// <summary>Records to be read.</summary>
    [GlobalSetup]
    public void Fill()
    {
        var random = new Prng(1);
        for (int i = Records - 1; i > 0; i--)
        {
            int other = random.Below(i + 1);
            (_keys[i], _keys[other]) = (_keys[other], _keys[i]);
        }

        _full = new TestStore();
        foreach (byte[] key in _keys) { _full.Engine.Put(key, _value); }
        _full.Publish();
        _view = _full.Engine.OpenReadView();
    }

    /// <summary>A memtable for the next iteration.</summary>
    [IterationSetup(Target = nameof(Insert))]
    public void Begin() => _empty = new TestStore();

    /// <summary>Drops it.</summary>
    [IterationCleanup(Target = nameof(Insert))]
    public void End() => _empty?.Dispose();

    /// <summary>Closes everything.</summary>
    [GlobalCleanup]
    public void Close()
    {
        _view?.Dispose();
        _full?.Dispose();
    }

    /// <summary>Inserts; nothing is flushed.</summary>
    [Benchmark(OperationsPerInvoke = Records)]
    public void Insert()
    {
        foreach (byte[] key in _keys) { _empty!.Engine.Put(key, _value); }
    }

    /// <summary>Looks up keys that are there.</summary>
    [Benchmark(OperationsPerInvoke = Records)]
    public int Get()
    {
        int found = 0;
        foreach (byte[] key in _keys) { found += _view!.TryGet(key, out _) ? 1 : 0; }
        return found;
    }
}
