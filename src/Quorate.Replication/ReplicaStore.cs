using System.Collections.Immutable;
using System.Globalization;
using Quorate.Core;
using Quorate.Storage.Engine;
using Quorate.Storage.Wal;

namespace Quorate.Replication;

/// <summary>
/// The directory of one shard: "descriptor" (what it was created as) and one "gen-N" with an engine. A received snapshot
/// becomes the next generation by one rename; until the old one is deleted both are whole, and the one that is further counts.
/// </summary>
internal static class ReplicaStore
{
    private const string GenerationPrefix = "gen-";
    private const string IncomingPrefix = "incoming-";
    private const string DeletedPrefix = "deleted-";
    private const string QuarantinePrefix = "quarantine-";
    private const string DescriptorFile = "descriptor";

    public const string Root = "shards";

    public static string DirectoryOf(ShardId shard) => $"{Root}/{shard.Value.ToString(CultureInfo.InvariantCulture)}";

    public static string Generation(string directory, int number) =>
        $"{directory}/{GenerationPrefix}{number.ToString("D6", CultureInfo.InvariantCulture)}";

    public static string Incoming(string directory, ulong stream) =>
        $"{directory}/{IncomingPrefix}{stream.ToString("x16", CultureInfo.InvariantCulture)}";

    /// <summary>Shards that have a directory, ordered by id.</summary>
    public static IEnumerable<ShardId> List(IFileSystem files) =>
        !files.Exists(Root)
            ? []
            : files.List(Root)
                .Where(name => ulong.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .Select(name => new ShardId(ulong.Parse(name, CultureInfo.InvariantCulture)))
                .Where(shard => files.Exists($"{DirectoryOf(shard)}/{DescriptorFile}"))
                .Order();

    /// <summary>Creates the shard's directory; durable when this returns.</summary>
    public static void Create(IFileSystem files, ShardDescriptor descriptor, ReplicaId self)
    {
        string directory = DirectoryOf(descriptor.Shard);
        files.CreateDirectory(directory);
        var writer = new ByteWriter();
        writer.U32(0);
        writer.U8(1); // Version of the format.
        writer.U64(descriptor.Shard.Value);
        writer.U64(self.Value);
        writer.VarUInt((ulong)descriptor.Machine);
        writer.VarUInt((ulong)descriptor.Voters.Length);
        foreach (ReplicaPlace voter in descriptor.Voters)
        {
            writer.U64(voter.Replica.Value);
            writer.U64(voter.Node.Value);
        }

        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(
            writer.Patch(0, 4), Crc32C.Compute(writer.Written[4..]));

        string path = $"{directory}/{DescriptorFile}";
        string temporary = path + ".tmp";
        if (files.Exists(temporary)) { files.Delete(temporary); }
        using (IFile file = files.Open(temporary, OpenMode.Create))
        {
            file.Write(0, writer.Written);
            file.Sync();
        }

        files.Rename(temporary, path);
        files.SyncDirectory(directory);
        files.SyncDirectory(Root);
        files.SyncDirectory("");
    }

    public static (ShardDescriptor Descriptor, ReplicaId Self) ReadDescriptor(IFileSystem files, ShardId shard)
    {
        string path = $"{DirectoryOf(shard)}/{DescriptorFile}";
        using IFile file = files.Open(path, OpenMode.Read);
        byte[] bytes = new byte[Math.Min(file.Length, 1024 * 1024)];
        int count = file.Read(0, bytes);
        var reader = new ByteReader(bytes.AsSpan(0, count));
        uint crc = reader.U32();
        if (reader.Failed || crc != Crc32C.Compute(bytes.AsSpan(4, count - 4)))
        {
            throw new CorruptFileException(path, 0, "the checksum disagrees");
        }

        byte version = reader.U8();
        if (version != 1) { throw new CorruptFileException(path, 4, $"format {version}; this build reads 1"); }
        var id = new ShardId(reader.U64());
        var self = new ReplicaId(reader.U64());
        int machine = reader.Count(int.MaxValue);
        int voters = reader.Count(reader.Remaining / 16);
        ImmutableArray<ReplicaPlace>.Builder places = ImmutableArray.CreateBuilder<ReplicaPlace>(voters);
        for (int i = 0; i < voters; i++) { places.Add(new(new(reader.U64()), new(reader.U64()))); }
        if (!reader.AtEnd || id != shard) { throw new CorruptFileException(path, 4, "the content does not fit its place"); }
        return (new(id, machine, places.ToImmutable()), self);
    }

    /// <summary>
    /// Deletes an engine's files. They lose their name first, durably: an engine of which a crash has left some files, but not
    /// all, would look damaged when the node starts.
    /// </summary>
    public static void DeleteGeneration(IFileSystem files, string directory, int number)
    {
        string name = Generation(directory, number);
        if (!files.Exists(name)) { return; }
        string deleted = $"{directory}/{DeletedPrefix}{number.ToString("D6", CultureInfo.InvariantCulture)}";
        files.DeleteDirectory(deleted);
        files.Rename(name, deleted);
        files.SyncDirectory(directory);
        files.DeleteDirectory(deleted);
    }

    /// <summary>
    /// Deletes a shard's directory, which loses its name first, durably. Whoever calls this has it durably that the shard must not
    /// come back, and that the log knows nothing of it.
    /// </summary>
    public static void DeleteShard(IFileSystem files, ShardId shard)
    {
        string deleted = $"{Root}/{DeletedPrefix}{shard.Value.ToString(CultureInfo.InvariantCulture)}";
        if (files.Exists(DirectoryOf(shard)))
        {
            files.DeleteDirectory(deleted);
            files.Rename(DirectoryOf(shard), deleted);
            files.SyncDirectory(Root);
        }

        files.DeleteDirectory(deleted);
    }

    /// <summary>Deletes what a crash has left of deleted shards, and of those whose creation had not come to their descriptor.</summary>
    public static void DeleteLeftOver(IFileSystem files)
    {
        foreach (string name in files.List(Root))
        {
            bool isDeleted = name.StartsWith(DeletedPrefix, StringComparison.Ordinal);
            bool isBegun = ulong.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _) && !files.Exists($"{Root}/{name}/{DescriptorFile}");
            if (isDeleted || isBegun) { files.DeleteDirectory($"{Root}/{name}"); }
        }
    }

    /// <summary>Checks that the log is not gone, and changes nothing.</summary>
    /// <exception cref="CorruptFileException">There are shards, but no log.</exception>
    public static void CheckHasLog(IFileSystem files, string logDirectory)
    {
        // The log is durable before the first shard is created, and keeps at least one segment ever after. Without it this
        // node would not know for whom it voted, nor what it acknowledged.
        if (List(files).Any() && (!files.Exists(logDirectory) || !WriteAheadLog.Exists(files, logDirectory)))
        {
            throw new CorruptFileException(logDirectory, 0, "the log is missing, but there are shards");
        }
    }

    /// <summary>Checks that every shard the log speaks of is there.</summary>
    /// <exception cref="CorruptFileException">One is missing.</exception>
    public static void CheckHasAll(IFileSystem files, WalRecovery log)
    {
        foreach (RecoveredShard shard in log.Shards)
        {
            string path = $"{DirectoryOf(shard.Shard)}/{DescriptorFile}";
            if (!files.Exists(path)) { throw new CorruptFileException(path, 0, $"it is missing, but the log has entries of {shard.Shard}"); }
        }
    }

    /// <summary>Sets damaged generations aside: nothing uses them any more, and an operator may still look at them. Durable when this returns.</summary>
    public static void Quarantine(IFileSystem files, string directory, int through)
    {
        foreach (int number in Generations(files.List(directory)).Where(number => number <= through))
        {
            string aside = $"{directory}/{QuarantinePrefix}{number.ToString("D6", CultureInfo.InvariantCulture)}";
            files.DeleteDirectory(aside);
            files.Rename(Generation(directory, number), aside);
        }

        files.SyncDirectory(directory);
    }

    /// <summary>Deletes what was set aside.</summary>
    public static void DeleteQuarantine(IFileSystem files, string directory)
    {
        foreach (string name in files.List(directory))
        {
            if (name.StartsWith(QuarantinePrefix, StringComparison.Ordinal)) { files.DeleteDirectory($"{directory}/{name}"); }
        }
    }

    /// <summary>The highest number of a generation; 0 if there is none.</summary>
    public static int LastGeneration(IFileSystem files, string directory) => Generations(files.List(directory)).LastOrDefault();

    /// <summary>Opens the engine that is furthest and deletes what a crash has left behind.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">Of the shard.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="keys">What the machine says of its keys.</param>
    /// <param name="cache">The node's.</param>
    /// <param name="released">The log was told that everything up to here is in files, so it has forgotten it.</param>
    /// <param name="first">Number of the generation that is created if there is none.</param>
    /// <exception cref="CorruptFileException">Files are damaged, or end before <paramref name="released"/>. Nothing was deleted.</exception>
    public static (StorageEngine Engine, int Generation) OpenEngine(
        IFileSystem files, string directory, EngineOptions options, EngineKeys keys, BlockCache cache, LogIndex released, int first = 1)
    {
        IReadOnlyList<string> names = files.List(directory);
        List<int> generations = Generations(names);
        LogIndex flushed = LogIndex.Zero;
        foreach (int number in generations)
        {
            flushed = LogIndex.Max(flushed, StorageEngine.FlushedIn(files, Generation(directory, number)).Index);
        }

        if (flushed < released)
        {
            throw new CorruptFileException(directory, 0, $"the files end at entry {flushed}, the log begins after entry {released}");
        }

        foreach (string name in names)
        {
            if (name.StartsWith(IncomingPrefix, StringComparison.Ordinal) || name.StartsWith(DeletedPrefix, StringComparison.Ordinal))
            {
                files.DeleteDirectory($"{directory}/{name}");
            }
        }

        if (generations.Count == 0)
        {
            string created = Generation(directory, first);
            files.CreateDirectory(created);
            files.SyncDirectory(directory);
            return (StorageEngine.Open(files, created, options, keys, cache), first);
        }

        return OpenBest(files, directory, options, keys, cache, generations);
    }

    private static List<int> Generations(IEnumerable<string> names)
    {
        var generations = new List<int>();
        foreach (string name in names)
        {
            if (name.StartsWith(GenerationPrefix, StringComparison.Ordinal) &&
                int.TryParse(name.AsSpan(GenerationPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                generations.Add(number);
            }
        }

        generations.Sort();
        return generations;
    }

    // Deletes those that are not the best.
    private static (StorageEngine Engine, int Generation) OpenBest(
        IFileSystem files, string directory, EngineOptions options, EngineKeys keys, BlockCache cache, List<int> generations)
    {
        (StorageEngine Engine, int Generation)? best = null;
        foreach (int number in generations)
        {
            StorageEngine engine = StorageEngine.Open(files, Generation(directory, number), options, keys, cache);
            if (best is { } other)
            {
                bool isFurther = engine.Flushed.Index > other.Engine.Flushed.Index;
                (StorageEngine loser, int loserNumber) = isFurther ? other : (engine, number);
                loser.Dispose();
                DeleteGeneration(files, directory, loserNumber);
                if (!isFurther) { continue; }
            }

            best = (engine, number);
        }

        return best!.Value;
    }
}
