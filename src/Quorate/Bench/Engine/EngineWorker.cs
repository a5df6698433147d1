using System.Diagnostics;
using Quorate.Core;

namespace Quorate.Bench.Engine;

/// <summary>One thread of a workload: does its operations one after another and times each.</summary>
internal sealed class EngineWorker
{
    private readonly EngineStore _store;
    private readonly EngineBenchPlan _plan;
    private readonly EngineWork _work;
    private readonly Prng _random;
    private readonly EngineWriter _writer;
    private readonly EngineValues _values;
    private readonly byte[] _key;
    private volatile bool _isStopped;

    /// <summary>Prepares the thread's work.</summary>
    public EngineWorker(EngineStore store, EngineBenchPlan plan, EngineWork work, Prng random)
    {
        (_store, _plan, _work, _random) = (store, plan, work, random);
        _writer = new EngineWriter(plan.KeyBytes);
        _values = new EngineValues(plan.ValueBytes, random.Split(0));
        _key = new byte[plan.KeyBytes];
    }

    /// <summary>Does not count its operations, but goes on until <see cref="Stop"/>.</summary>
    public bool RunsUntilStopped { get; init; }

    /// <summary>Nanoseconds of each operation.</summary>
    public Histogram Latency { get; } = new();

    /// <summary>Bytes of keys and values written, or read.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of keys and values written.</summary>
    public long BytesWritten => IsWrite ? Bytes : 0;

    /// <summary>Reads that found their key.</summary>
    public long Found { get; private set; }

    /// <summary>Why it ended early; null if it did not.</summary>
    public Exception? Failure { get; private set; }

    private bool IsWrite => _work is EngineWork.WriteSequential or EngineWork.WriteRandom;

    /// <summary>Ends <see cref="Run"/> after the operation under way.</summary>
    public void Stop() => _isStopped = true;

    /// <summary>Does the work.</summary>
    public void Run()
    {
        try { RunAll(); }
        catch (Exception e) when (e is IOException or InvariantException) { Failure = e; }
    }

    private void RunAll()
    {
        bool isTimed = RunsUntilStopped || (_plan.Seconds > 0 && _work != EngineWork.WriteSequential);
        long most = isTimed ? long.MaxValue : _plan.Num;
        double tick = 1e9 / Stopwatch.Frequency;
        long before = Stopwatch.GetTimestamp();
        long end = isTimed && !RunsUntilStopped ? before + (long)(_plan.Seconds * Stopwatch.Frequency) : long.MaxValue;
        for (long i = 0; i < most && before < end && !_isStopped; i++)
        {
            switch (_work)
            {
                case EngineWork.WriteSequential: Write((int)i); break;
                case EngineWork.WriteRandom: Write(_random.Below(_plan.Num)); break;
                case EngineWork.Read: Read(_random.Below(_plan.Num)); break;
                case EngineWork.Seek: Seek(_random.Below(_plan.Num)); break;
                default: throw Invariant.Unreachable(_work);
            }

            // The end of one operation is the start of the next, as in db_bench.
            long now = Stopwatch.GetTimestamp();
            Latency.Record((long)((now - before) * tick));
            before = now;
        }
    }

    private void Write(int number)
    {
        EngineKey.Write(_writer.Key, number);
        _writer.Value = _values.Next();
        _store.Commit(_writer);
        Bytes += _plan.KeyBytes + _plan.ValueBytes;
    }

    private void Read(int number)
    {
        EngineKey.Write(_key, number);
        using IReadView view = _store.OpenView();
        if (view.TryGet(_key, out ReadOnlySpan<byte> value))
        {
            Found++;
            Bytes += _key.Length + value.Length;
        }
    }

    private void Seek(int number)
    {
        EngineKey.Write(_key, number);
        using IReadView view = _store.OpenView();
        using ICursor cursor = view.OpenCursor(default, default);
        if (cursor.Seek(_key) && cursor.Key.SequenceEqual(_key)) { Found++; }
        for (int i = 0; i < _plan.SeekNexts && cursor.IsValid; i++)
        {
            Bytes += cursor.Key.Length + cursor.Value.Length;
            cursor.Next();
        }
    }
}
