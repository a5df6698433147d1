using System.Collections.Immutable;
using Quorate.Cli;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary>Which files are read, in order, to come to a revision.</summary>
/// <param name="Files">A dump of everything, and perhaps the increments that follow it. Each was read and is whole.</param>
/// <param name="Revision">Where to stop.</param>
/// <param name="Compacted">History before this revision is not there; -1: all is.</param>
/// <param name="SkipHash">Whether the SHA-256 behind a dump may be missing or wrong.</param>
internal sealed record RestorePlan(ImmutableArray<string> Files, long Revision, long Compacted, bool SkipHash)
{
    /// <summary>Makes the plan; reads everything that it names, so that nothing is made of a damaged source.</summary>
    /// <param name="source">A file or a directory of backups.</param>
    /// <param name="revision">0: the newest.</param>
    /// <param name="skipHash">See above.</param>
    /// <exception cref="CliException">The source does not have that revision.</exception>
    /// <exception cref="Core.CorruptFileException">A file is damaged.</exception>
    public static RestorePlan Of(string source, long revision, bool skipHash) =>
        Directory.Exists(source) ? OfDirectory(source, revision) : OfFile(source, revision, skipHash);

    private static RestorePlan OfFile(string path, long revision, bool skipHash)
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
        return Has(header, header.Revision, revision)
            ? new RestorePlan([path], revision, Math.Min(header.Compacted, revision), skipHash)
            : throw new CliException(
                ExitCode.Precondition, $"{path} has revisions {First(header)} to {header.Revision}, and not {revision}.");
    }

    private static RestorePlan OfDirectory(string path, long revision)
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
            return new RestorePlan(
                [.. chain.Select(entry => directory.PathOf(entry))], revision,
                chain.Select(entry => entry.Header.Compacted).Where(compacted => compacted <= revision).Max(), SkipHash: false);
        }

        throw new CliException(
            ExitCode.Precondition, $"no backup in {path} has revision {revision}; 'quorate backup list {path}' shows those that are there.");
    }

    private static bool Has(KvDumpHeader first, long last, long revision) => revision >= First(first) && revision <= last;

    private static long First(KvDumpHeader header) => Math.Max(1, header.Compacted);
}
