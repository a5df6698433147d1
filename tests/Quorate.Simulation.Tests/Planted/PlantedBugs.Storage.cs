using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string Manifest = "src/Quorate.Storage/Engine/ManifestWriter.cs";

    private static ImmutableArray<PlantedBug> InEngine =>
    [
        new("manifest-renamed-before-sync", 10, Manifest, "file.Sync();\nfiles.Rename(path, FinalPath);", "files.Rename(path, FinalPath);") { Scenario = "recovery" },
    ];
}
