using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Quorate.Core;
using Quorate.Node.Files;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Backup;

/// <summary>One file of a directory of backups, as the catalogue has it.</summary>
/// <param name="Name">Of the file.</param>
/// <param name="Header">What its dump says of itself.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of all of it, in hexadecimal.</param>
/// <param name="Taken">When, in UTC.</param>
internal sealed record BackupEntry(string Name, KvDumpHeader Header, long Bytes, string Sha256, DateTime Taken);

/// <summary>
/// A directory of backups: files NNNNNN.dump, each a dump of everything or of the changes since the one before, and the file
/// "catalogue", lines of text, the last one the CRC-32C of those before. It is replaced as a whole, so it is the old one or the new one.
/// </summary>
internal sealed class BackupDirectory
{
    /// <summary>What the catalogue is called.</summary>
    public const string CatalogueName = "catalogue";

    private const string Format = "quorate-backup 1";
    private const string TimeFormat = "yyyy-MM-ddTHH:mm:ssZ";
    private const string Extension = ".dump";

    private readonly RealFileSystem _files;

    private BackupDirectory(RealFileSystem files, ImmutableArray<BackupEntry> entries)
    {
        _files = files;
        Entries = entries;
    }

    /// <summary>In the order in which they were taken.</summary>
    public ImmutableArray<BackupEntry> Entries { get; private set; }

    /// <summary>The directory's files.</summary>
    public RealFileSystem Files => _files;

    /// <summary>Reads the catalogue; a directory without one has no backups.</summary>
    /// <exception cref="CorruptFileException">The catalogue is damaged. Nothing is changed then, ever.</exception>
    public static BackupDirectory Read(string path)
    {
        var files = new RealFileSystem(path);
        string catalogue = Path.Combine(files.Root, CatalogueName);
        return new BackupDirectory(files, files.Exists(CatalogueName) ? Parse(File.ReadAllText(catalogue), catalogue) : []);
    }

    /// <summary>Where an entry's file is.</summary>
    public string PathOf(BackupEntry entry) => Path.Combine(_files.Root, entry.Name);

    /// <summary>A name for the next file, above all that are there, whole or not.</summary>
    public string NextName()
    {
        int last = 0;
        foreach (string name in _files.List("").Concat(Entries.Select(static entry => entry.Name)))
        {
            if (int.TryParse(name.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && !name.EndsWith(".part", StringComparison.Ordinal))
            {
                last = Math.Max(last, number);
            }
        }

        return (last + 1).ToString("d6", CultureInfo.InvariantCulture) + Extension;
    }

    /// <summary>Files that are whole, but that a crash kept from the catalogue; in order.</summary>
    public IEnumerable<string> Forgotten() => _files.List("")
        .Where(name => name.EndsWith(Extension, StringComparison.Ordinal) && Entries.All(entry => entry.Name != name)
            && (Entries.IsEmpty || string.CompareOrdinal(name, Entries[^1].Name) > 0));

    /// <summary>True if a dump can be the next one here.</summary>
    public bool Continues(KvDumpHeader header) =>
        !header.IsIncrement
        || (Entries is [.., { } last] && last.Header.Cluster == header.Cluster && last.Header.Revision == header.Since);

    /// <summary>Adds a file that is in the directory and whole. Durable when this returns.</summary>
    public void Add(string name, KvDumpHeader header, DateTime taken)
    {
        Invariant.Holds(Continues(header), $"{name} with changes since {header.Since}");
        string path = Path.Combine(_files.Root, name);
        using FileStream file = File.OpenRead(path);
        var entry = new BackupEntry(name, header, file.Length, Convert.ToHexStringLower(SHA256.HashData(file)), taken);
        ImmutableArray<BackupEntry> entries = Entries.Add(entry);
        WriteCatalogue(entries);
        Entries = entries;
    }

    /// <summary>Reads a file and compares it with its line in the catalogue.</summary>
    /// <exception cref="CorruptFileException">It is missing, damaged, or another one.</exception>
    public void Verify(BackupEntry entry)
    {
        string path = PathOf(entry);
        if (!File.Exists(path)) { throw new CorruptFileException(path, 0, "it is missing"); }
        using (FileStream file = File.OpenRead(path))
        {
            if (file.Length != entry.Bytes) { throw new CorruptFileException(path, file.Length, $"it was {entry.Bytes} bytes long"); }
            string found = Convert.ToHexStringLower(SHA256.HashData(file));
            if (found != entry.Sha256) { throw new CorruptFileException(path, 0, $"its sha256 is {found}, and was {entry.Sha256}"); }
        }

        (KvDumpHeader header, _) = DumpFile.Verify(path);
        if (header != entry.Header) { throw new CorruptFileException(path, 0, "it is not the file of which the catalogue speaks"); }
    }

    /// <summary>The catalogue's text.</summary>
    public static string Write(IEnumerable<BackupEntry> entries)
    {
        var text = new StringBuilder(Format).Append('\n');
        foreach (BackupEntry entry in entries)
        {
            KvDumpHeader header = entry.Header;
            text.Append(CultureInfo.InvariantCulture,
                $"{entry.Name} since={header.Since} revision={header.Revision} compacted={header.Compacted} cluster={header.Cluster:x16} "
                + $"bytes={entry.Bytes} sha256={entry.Sha256} taken={entry.Taken.ToString(TimeFormat, CultureInfo.InvariantCulture)} "
                + $"by={header.Program.Replace(' ', '_')}\n");
        }

        uint crc = Crc32C.Compute(Encoding.UTF8.GetBytes(text.ToString()));
        return text.Append(CultureInfo.InvariantCulture, $"crc32c {crc:x8}\n").ToString();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="CorruptFileException">A byte of it is another.</exception>
    public static ImmutableArray<BackupEntry> Parse(string text, string path)
    {
        int last = text.LastIndexOf("crc32c ", StringComparison.Ordinal);
        string crc = last < 0 ? "" : $"crc32c {Crc32C.Compute(Encoding.UTF8.GetBytes(text[..last])):x8}\n";
        if (last < 0 || text[last..] != crc) { throw new CorruptFileException(path, Math.Max(0, last), "the checksum disagrees"); }
        string[] lines = text[..last].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines[0] != Format) { throw new CorruptFileException(path, 0, $"its format is '{lines[0]}'; this version reads '{Format}'"); }
        ImmutableArray<BackupEntry>.Builder entries = ImmutableArray.CreateBuilder<BackupEntry>();
        foreach (string line in lines.Skip(1)) { entries.Add(ParseLine(line) ?? throw new CorruptFileException(path, 0, $"a line that cannot be read: {line}")); }
        return entries.DrainToImmutable();
    }

    private static BackupEntry? ParseLine(string line)
    {
        string[] parts = line.Split(' ');
        string[] names = ["since", "revision", "compacted", "cluster", "bytes", "sha256", "taken", "by"];
        if (parts.Length != names.Length + 1) { return null; }
        string[] values = new string[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            if (!parts[i + 1].StartsWith(names[i] + "=", StringComparison.Ordinal)) { return null; }
            values[i] = parts[i + 1][(names[i].Length + 1)..];
        }

        const NumberStyles Sign = NumberStyles.AllowLeadingSign;
        CultureInfo plain = CultureInfo.InvariantCulture;
        return long.TryParse(values[0], Sign, plain, out long since) && long.TryParse(values[1], Sign, plain, out long revision)
            && long.TryParse(values[2], Sign, plain, out long compacted)
            && ulong.TryParse(values[3], NumberStyles.AllowHexSpecifier, plain, out ulong cluster)
            && long.TryParse(values[4], Sign, plain, out long bytes)
            && DateTime.TryParseExact(
                values[6], TimeFormat, plain, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime taken)
            ? new BackupEntry(
                parts[0], new KvDumpHeader(cluster, since, revision, compacted, values[7].Replace('_', ' ')), bytes, values[5], taken)
            : null;
    }

    private void WriteCatalogue(ImmutableArray<BackupEntry> entries)
    {
        const string Fresh = CatalogueName + ".part";
        if (_files.Exists(Fresh)) { _files.Delete(Fresh); }
        using (IFile file = _files.Open(Fresh, OpenMode.Create))
        {
            file.Write(0, Encoding.UTF8.GetBytes(Write(entries)));
            file.Sync();
        }

        _files.Rename(Fresh, CatalogueName);
        _files.SyncDirectory("");
    }
}
