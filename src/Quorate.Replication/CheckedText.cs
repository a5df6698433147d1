using System.Globalization;
using System.Text;
using Quorate.Core;

namespace Quorate.Replication;

/// <summary>Small files of text lines whose last line is the CRC-32C of those before: whole or not there, whatever crashes.</summary>
internal static class CheckedText
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>Replaces the file; it is durable when this returns.</summary>
    public static void Write(IFileSystem files, string name, IEnumerable<string> lines)
    {
        string temporary = name + ".tmp";
        if (files.Exists(temporary)) { files.Delete(temporary); }
        string text = string.Concat(lines.Select(line => line + "\n"));
        using (IFile file = files.Open(temporary, OpenMode.Create))
        {
            file.Write(0, Encoding.ASCII.GetBytes(text + Crc(text) + "\n"));
            file.Sync();
        }

        files.Rename(temporary, name);
        files.SyncDirectory("");
    }

    /// <summary>The lines without the checksum; at least one.</summary>
    /// <exception cref="CorruptFileException">It is not as it was written.</exception>
    public static string[] Read(IFileSystem files, string name)
    {
        using IFile file = files.Open(name, OpenMode.Read);
        byte[] bytes = new byte[Math.Min(file.Length, MaxBytes)];
        string text = Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes));
        string[] lines = text.Split('\n');
        bool isWhole = lines.Length >= 3 && lines[^1].Length == 0 && lines[^2] == Crc(text[..^(lines[^2].Length + 1)]);
        return isWhole ? lines[..^2] : throw new CorruptFileException(name, 0, "its last line is not the checksum of those before");
    }

    private static string Crc(string text) =>
        "crc32c " + Crc32C.Compute(Encoding.ASCII.GetBytes(text)).ToString("x8", CultureInfo.InvariantCulture);
}
