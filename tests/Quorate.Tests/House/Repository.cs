using System.Runtime.CompilerServices;

namespace Quorate.Tests.House;

/// <summary>Where the source tree is that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find([CallerFilePath] string here = "")
    {
        string? directory = System.IO.Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(System.IO.Path.Combine(directory, "Quorate.slnx")))
        {
            directory = System.IO.Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException($"no Quorate.slnx above {here}");
    }
}
