using BenchmarkDotNet.Attributes;
using Quorate.Core;

namespace Quorate.Benchmarks;

/// <summary>Table files whose blocks are in the cache: keys of 16 bytes, values of 256.</summary>
public class TableBenchmarks
{
    private const int Records = 20_000;

    private readonly byte[][] _keys = [.. Enumerable.Range(0, Records).Select(TestStore.Key)];
    private TestStore? _store;
    private IReadView? _view;
    private uint _next;

    /// <summary>One file of all records, read once.</summary>
    [GlobalSetup]
    public void Fill()
    {
        byte[] value = new byte[256];
        _store = new TestStore();
        foreach (byte[] key in _keys) { _store.Engine.Put(key, value); }
        _store.Publish();
        _store.Compact();
        _view = _store.Engine.OpenReadView();
        Scan();
    }

    /// <summary>Closes everything.</summary>
    [GlobalCleanup]
    public void Close()
    {
        _view?.Dispose();
        _store?.Dispose();
    }

    /// <summary>One key, in a view that is there.</summary>
    [Benchmark]
    public bool PointRead() => _view!.TryGet(NextKey(), out _);

    /// <summary>One key, in a view of its own, as a request reads.</summary>
    [Benchmark]
    public bool PointReadInNewView()
    {
        using IReadView view = _store!.Engine.OpenReadView();
        return view.TryGet(NextKey(), out _);
    }

    /// <summary>A new cursor, moved to one key.</summary>
    [Benchmark]
    public bool Seek()
    {
        using ICursor cursor = _view!.OpenCursor(default, default);
        return cursor.Seek(NextKey());
    }

    /// <summary>All records in order.</summary>
    [Benchmark(OperationsPerInvoke = Records)]
    public long Scan()
    {
        using ICursor cursor = _view!.OpenCursor(default, default);
        long bytes = 0;
        for (bool isThere = cursor.SeekFirst(); isThere; isThere = cursor.Next()) { bytes += cursor.Key.Length + cursor.Value.Length; }
        return bytes;
    }

    // Far from the one before.
    private byte[] NextKey() => _keys[(_next = unchecked((_next * 1_664_525) + 1_013_904_223)) % Records];
}
