using System.Collections.Immutable;
using Quorate.Cli;
using Quorate.Migrate;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary>What is read, and how far, to come to a revision.</summary>
/// <param name="Revision">Where to stop.</param>
/// <param name="Compacted">History before this revision is not there; -1: all is.</param>
internal abstract record RestorePlan(long Revision, long Compacted)
{
    /// <summary>Makes the plan; reads everything that it names, so that nothing is made of a damaged source.</summary>
    /// <param name="source">A file or a directory of backups.</param>
    /// <param name="revision">0: the newest.</param>
    /// <param name="skipHash">See above.</param>
    /// <exception cref="CliException">The source does not have that revision.</exception>
    /// <exception cref="Core.CorruptFileException">A file is damaged.</exception>
    public static RestorePlan Of(string source, long revision, bool skipHash) =>
        Directory.Exists(source) ? OfDirectory(source, revision)
        : File.Exists(source) && EtcdSnapshotFile.Claims(source) ? EtcdRestorePlan.Of(source, revision, skipHash)
        : OfFile(source, revision, skipHash);

    /// <summary>Adds everything to a store, but its revisions.</summary>
    /// <param name="import">Passes over what is later than <see cref="Revision"/>.</param>
    /// <param name="pause">Called after each record.</param>
    public abstract void Fill(KvImport import, Action pause);

    /// <summary>The cluster whose incremental backups go on where the source is; null: none's.</summary>
    public ulong? Continued { get; init; }

    /// <summary>What the operator must know of it; null: nothing.</summary>
    public virtual string? Advice => null;

    /// <summary>Refuses a revision that a source does not have.</summary>
    /// <exception cref="CliException">It does not.</exception>
    protected static void Demand(string source, long first, long last, long revision)
    {
        if (revision >= first && revision <= last) { return; }
        throw new CliException(ExitCode.Precondition, $"{source} has revisions {first} to {last}, and not {revision}.");
    }

    private static DumpRestorePlan OfFile(string path, long revision, bool skipHash)
    {
        using DumpFile file = DumpFile.Open(path, skipHash);
        while (file.Dump.MoveNext()) { }
        KvDumpHeader header = file.Dump.Header;
        if (header.IsIncrement)
        {
            throw new CliException(
                ExitCode.Precondition, $"{path} has only the changes after revision {header.Since}; name the directory of the backups.");
        }

        if (revision == 0) { revision = header.Revision; }
        Demand(path, First(header), header.Revision, revision);
        return new DumpRestorePlan([path], revision, Math.Min(header.Compacted, revision), skipHash);
    }

    private static DumpRestorePlan OfDirectory(string path, long revision)
    {
        BackupDirectory directory = BackupDirectory.Read(path);
        ImmutableArray<BackupEntry> entries = directory.Entries;
        if (entries.IsEmpty) { throw new CliException(ExitCode.Precondition, $"{path} has no backups."); }
        if (revision == 0) { revision = entries[^1].Header.Revision; }

        // The newest chain that reaches the revision.
        for (int first = entries.Length - 1; first >= 0; first--)
        {
            if (entries[first].Header.IsIncrement) { continue; }
            int last = first;
            while (entries[last].Header.Revision < revision && last + 1 < entries.Length && entries[last + 1].Header.IsIncrement) { last++; }
            if (!Has(entries[first].Header, entries[last].Header.Revision, revision)) { continue; }
            ImmutableArray<BackupEntry> chain = entries[first..(last + 1)];
            foreach (BackupEntry entry in chain) { directory.Verify(entry); }
            var plan = new DumpRestorePlan(
                [.. chain.Select(entry => directory.PathOf(entry))], revision,
                chain.Select(entry => entry.Header.Compacted).Where(compacted => compacted <= revision).Max(), SkipHash: false);
            return plan with { Continued = entries[^1].Header.Cluster };
        }

        throw new CliException(
            ExitCode.Precondition, $"no backup in {path} has revision {revision}; 'quorate backup list {path}' shows those that are there.");
    }

    private static bool Has(KvDumpHeader first, long last, long revision) => revision >= First(first) && revision <= last;

    private static long First(KvDumpHeader header) => Math.Max(1, header.Compacted);
}

/// <summary>From dumps of Quorate.</summary>
/// <param name="Files">A dump of everything, and perhaps the increments that follow it. Each was read and is whole.</param>
/// <param name="Revision">Where to stop.</param>
/// <param name="Compacted">History before this revision is not there; -1: all is.</param>
/// <param name="SkipHash">Whether the SHA-256 behind a dump may be missing or wrong.</param>
internal sealed record DumpRestorePlan(ImmutableArray<string> Files, long Revision, long Compacted, bool SkipHash)
    : RestorePlan(Revision, Compacted)
{
    /// <inheritdoc/>
    public override void Fill(KvImport import, Action pause)
    {
        for (int i = 0; i < Files.Length; i++)
        {
            using DumpFile file = DumpFile.Open(Files[i], SkipHash);
            import.AddDump(file.Dump, withState: i == Files.Length - 1, pause);
        }
    }
}
