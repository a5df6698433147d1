using BenchmarkDotNet.Attributes;
using Quorate.Core;
using Quorate.StateMachines;
using Quorate.StateMachines.KeyValue;
using Quorate.Storage.Engine;

namespace Quorate.Benchmarks;

/// <summary>The key-value machine: keys of 16 bytes, values of 256.</summary>
public class KeyValueBenchmarks
{
    private const int Puts = 5_000;

    private readonly byte[][] _keys = [.. Enumerable.Range(0, Puts).Select(TestStore.Key)];
    private readonly byte[] _value = new byte[256];
    private readonly ByteWriter _command = new();
    private readonly ByteWriter _reply = new();
    private byte[][] _commands = [];
    private (TestStore Store, IStateMachine Machine) _empty;
    private (TestStore Store, IStateMachine Machine) _full;
    private IReadView? _view;
    private int _next;

    /// <summary>Records to be read.</summary>
    [GlobalSetup]
    public void Fill()
    {
        _commands = [.. _keys.Select(key =>
        {
            _command.Clear();
            KvCommand.EncodePut(_command, key, _value);
            return _command.ToArray();
        })];
        _full = Open();
        ApplyAll(_full);
        _view = _full.Store.Engine.OpenReadView();
    }

    /// <summary>A store for the next iteration.</summary>
    [IterationSetup(Target = nameof(ApplyPut))]
    public void Begin() => _empty = Open();

    /// <summary>Drops it.</summary>
    [IterationCleanup(Target = nameof(ApplyPut))]
    public void End() => _empty.Store.Dispose();

    /// <summary>Closes everything.</summary>
    [GlobalCleanup]
    public void Close()
    {
        _view?.Dispose();
        _full.Store?.Dispose();
    }

    /// <summary>What a door makes of a put.</summary>
    [Benchmark]
    public int EncodePut()
    {
        _command.Clear();
        KvCommand.EncodePut(_command, _keys[0], _value);
        return _command.Length;
    }

    /// <summary>What can be read of it.</summary>
    [Benchmark]
    public bool DecodePut() => KvCommand.TryDecode(_commands[0], out _);

    /// <summary>Puts, each a new key, applied to a memtable.</summary>
    [Benchmark(OperationsPerInvoke = Puts)]
    public void ApplyPut() => ApplyAll(_empty);

    /// <summary>A get of one key.</summary>
    [Benchmark]
    public long ReadOne() => KvQueries.Range(_view!, new RangeQuery { Key = _keys[_next = (_next + 1_237) % Puts] }).Count;

    private static (TestStore Store, IStateMachine Machine) Open()
    {
        IStateMachine machine = Catalog.KeyValue.Create();
        var store = new TestStore(new EngineKeys(machine.FilterPrefixLength, machine.CreateCompactionFilter));
        machine.Open(store.Engine);
        return (store, machine);
    }

    private void ApplyAll((TestStore Store, IStateMachine Machine) to)
    {
        foreach (byte[] command in _commands)
        {
            _reply.Clear();
            to.Machine.Apply(new CommittedCommand(to.Store.Next, default, command), to.Store.Engine, _reply);
        }

        to.Machine.Finish(to.Store.Engine);
        to.Store.Publish();
    }
}
