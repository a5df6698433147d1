using System.Globalization;
using Quorate.Core;

namespace Quorate.Replication;

/// <summary>
/// The file "damaged" in a shard's directory: its generations up to a number hold damage and must not be used. It is there from the
/// moment the damage is found until the replica, filled anew by its peers, holds all that it may ever have promised.
/// </summary>
/// <param name="Through">The last generation that must not be used.</param>
internal sealed record RepairMark(int Through)
{
    private const string FileName = "damaged";
    private const string Format = "quorate-damaged 1";

    /// <summary>Reads the mark; null if there is none.</summary>
    /// <exception cref="CorruptFileException">It is not as it was written.</exception>
    public static RepairMark? Read(IFileSystem files, string directory)
    {
        string path = $"{directory}/{FileName}";
        if (!files.Exists(path)) { return null; }
        string[] lines = CheckedText.Read(files, path);
        return lines is [Format, _, _] && int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out int through)
            ? new(through)
            : throw new CorruptFileException(path, 0, "its lines are not those of a mark of damage");
    }

    /// <summary>Marks all that is there by now; durable when this returns.</summary>
    public static void Write(IFileSystem files, string directory, int through, string reason)
    {
        string ascii = new([.. reason.Select(static c => char.IsBetween(c, ' ', '~') ? c : '?')]);
        CheckedText.Write(files, $"{directory}/{FileName}", [Format, through.ToString(CultureInfo.InvariantCulture), ascii]);
        files.SyncDirectory(directory);
    }

    /// <summary>Takes the mark away, durably.</summary>
    public static void Delete(IFileSystem files, string directory)
    {
        files.Delete($"{directory}/{FileName}");
        files.SyncDirectory(directory);
    }
}
