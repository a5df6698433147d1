using Quorate.Core;

namespace Quorate.Storage.Engine;

/// <summary>Names and small helpers that several parts of the engine need.</summary>
internal static class EngineFiles
{
    public const string Manifest = "MANIFEST";
    public const string NewManifest = "MANIFEST.new";

    public static string PathOf(string directory, string name) => directory.Length == 0 ? name : $"{directory}/{name}";

    // Creates a directory and makes its name, and those above it, durable.
    public static void CreateDirectory(IFileSystem files, string directory)
    {
        files.CreateDirectory(directory);
        for (string path = directory; path.Length > 0;)
        {
            int slash = path.LastIndexOf('/');
            path = slash < 0 ? "" : path[..slash];
            files.SyncDirectory(path);
        }
    }

    public static ReadOnlySpan<byte> FilterPrefix(FilterPrefixLength length, ReadOnlySpan<byte> key) =>
        key[..Math.Clamp(length(key), 0, key.Length)];
}
