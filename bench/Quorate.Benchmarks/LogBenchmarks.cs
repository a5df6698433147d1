using BenchmarkDotNet.Attributes;
using Quorate.Core;
using Quorate.Storage.Wal;

namespace Quorate.Benchmarks;

/// <summary>What the log spends before it writes.</summary>
public class LogBenchmarks
{
    private const int Entries = 64;

    private readonly WalBatch _batch = new();
    private readonly byte[] _payload = new byte[300];
    private readonly byte[] _block = new byte[16 * 1024];

    /// <summary>A batch of entries of 300 bytes.</summary>
    [Benchmark(OperationsPerInvoke = Entries)]
    public int EncodeEntry()
    {
        _batch.Clear();
        for (ulong i = 1; i <= Entries; i++) { _batch.AddEntry(new ShardId(1), new LogEntry(new(i), new(1), EntryKind.Command, _payload)); }
        return _batch.Bytes;
    }

    /// <summary>The checksum of a block of 16 KiB.</summary>
    [Benchmark]
    public uint Crc32COfBlock() => Crc32C.Compute(_block);
}
