using System.Globalization;

namespace Quorate.Node.Files;

/// <summary>File descriptors of this process.</summary>
public static class OpenFiles
{
    /// <summary>How many are open, and how many may be; -1 if the system does not tell.</summary>
    public static (long Open, long Most) Count()
    {
        try
        {
            string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
            string[] words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
            long most = words.Length > 3 && long.TryParse(words[3], CultureInfo.InvariantCulture, out long limit) ? limit : -1;
            return (Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount(), most);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (-1, -1);
        }
    }
}
