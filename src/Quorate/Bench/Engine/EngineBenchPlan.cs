namespace Quorate.Bench.Engine;

/// <summary>What a run of the storage engine alone does. Words and meanings are those of RocksDB's db_bench.</summary>
internal sealed record EngineBenchPlan
{
    /// <summary>One after another, on the same data.</summary>
    public required IReadOnlyList<EngineWorkload> Workloads { get; init; }

    /// <summary>Where the data is. Null: a temporary directory, deleted at the end.</summary>
    public string? Directory { get; init; }

    /// <summary>Each write waits until it is durable; otherwise until the system has it.</summary>
    public bool Sync { get; init; }

    /// <summary>Threads that each do the whole workload.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Different keys, and operations of each thread if no time is given.</summary>
    public int Num { get; init; } = 1_000_000;

    /// <summary>Bytes of a key.</summary>
    public int KeyBytes { get; init; } = 16;

    /// <summary>Bytes of a value.</summary>
    public int ValueBytes { get; init; } = 256;

    /// <summary>How long each workload but fillseq runs; 0: until each thread has done its operations.</summary>
    public double Seconds { get; init; }

    /// <summary>Records read after each seek.</summary>
    public int SeekNexts { get; init; }

    /// <summary>Bytes of the block cache.</summary>
    public long CacheBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Bytes at which a memtable is flushed.</summary>
    public int MemTableBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Where the random numbers begin.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Says what is wrong, in the operator's words. Empty if nothing is.</summary>
    public IEnumerable<string> Problems()
    {
        if (Threads is < 1 or > 1024) { yield return $"--threads is {Threads}; it must be 1 to 1024."; }
        if (Num is < 1 or > 1_000_000_000) { yield return $"--num is {Num}; it must be 1 to 1000000000."; }
        if (KeyBytes is < EngineKey.NumberBytes or > 32 * 1024) { yield return $"--key-size is {KeyBytes}; it must be {EngineKey.NumberBytes} to 32768."; }
        if (ValueBytes is < 0 or > 1024 * 1024) { yield return $"--value-size is {ValueBytes}; it must be 0 to 1048576."; }
        if (Seconds is < 0 or > 86_400 || !double.IsFinite(Seconds)) { yield return $"--seconds is {Seconds}; it must be 0 to 86400."; }
        if (SeekNexts is < 0 or > 1_000_000) { yield return $"--seek-nexts is {SeekNexts}; it must be 0 to 1000000."; }
        if (CacheBytes < 0) { yield return $"--cache-bytes is {CacheBytes}; the least is 0."; }
        if (MemTableBytes < 64 * 1024) { yield return $"--mem-table-bytes is {MemTableBytes}; the least is 65536."; }
        if (Workloads.Count == 0) { yield return "no workload is named."; }
    }
}
