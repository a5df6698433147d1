using System.Security.Cryptography;

namespace Quorate.Conformance.Tests;

/// <summary>What a data directory holds, to be compared and copied.</summary>
internal static class DirectoryImage
{
    /// <summary>Each file's path, length and hash, one a line. The lock file is left out: it holds the number of a process.</summary>
    public static string Of(string directory) => string.Join('\n', Directory
        .EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(path => (Name: Path.GetRelativePath(directory, path), Path: path))
        .Where(entry => entry.Name != "LOCK")
        .Select(entry => Directory.Exists(entry.Path)
            ? entry.Name + "/"
            : $"{entry.Name} {new FileInfo(entry.Path).Length} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(entry.Path)))}"));

    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, directory)));
        }

        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }
}
