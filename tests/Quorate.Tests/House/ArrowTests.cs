using System.Xml.Linq;
using Xunit;

namespace Quorate.Tests.House;

/// <summary>Which project may know which (design, section 4). An arrow that is not here needs a reason in ARCHITECTURE.md.</summary>
public sealed class ArrowTests
{
    private static readonly SortedDictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Quorate.Client"] = [],
        ["Quorate.Core"] = [],
        ["Quorate.Raft"] = ["Quorate.Core"],
        ["Quorate.Storage"] = ["Quorate.Core"],
        ["Quorate.StateMachines"] = ["Quorate.Core"],
        ["Quorate.Replication"] = ["Quorate.Core", "Quorate.Raft", "Quorate.Storage"],
        ["Quorate.Node"] = ["Quorate.Core", "Quorate.Replication"],
        ["Quorate.FrontDoors"] = ["Quorate.Core", "Quorate.Node", "Quorate.StateMachines"],
        ["Quorate.Simulation"] =
            ["Quorate.Core", "Quorate.FrontDoors", "Quorate.Node", "Quorate.Replication", "Quorate.StateMachines"],
        ["Quorate"] = ["Quorate.FrontDoors", "Quorate.Node", "Quorate.Simulation", "Quorate.StateMachines"],
    };

    [Fact]
    public void Every_project_refers_to_exactly_what_the_design_allows()
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFiles(Repository.Path("src"), "*.csproj", SearchOption.AllDirectories))
        {
            IEnumerable<string> arrows = XDocument.Load(path).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))
                .Order(StringComparer.Ordinal);
            found.Add(Path.GetFileNameWithoutExtension(path), string.Join(' ', arrows));
        }

        Assert.Equal(
            Allowed.Select(pair => $"{pair.Key} -> {string.Join(' ', pair.Value)}"),
            found.Select(pair => $"{pair.Key} -> {pair.Value}"));
    }

    [Fact]
    public void Every_package_has_an_exact_version_in_one_place()
    {
        foreach (string path in Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain(XDocument.Load(path).Descendants("PackageReference"), item => item.Attribute("Version") is not null);
        }

        Assert.All(
            XDocument.Load(Repository.Path("Directory.Packages.props")).Descendants("PackageVersion"),
            item => Assert.Matches(@"^\d+\.\d+\.\d+$", item.Attribute("Version")!.Value));
    }

    [Fact]
    public void Every_project_is_named_in_ARCHITECTURE_and_has_its_DESIGN()
    {
        string architecture = File.ReadAllText(Repository.Path("ARCHITECTURE.md"));
        foreach (string project in Allowed.Keys)
        {
            Assert.Contains($"`{project}`", architecture, StringComparison.Ordinal);
            Assert.NotEmpty(Directory.EnumerateFiles(Repository.Path("src", project), "DESIGN.md", SearchOption.AllDirectories));
        }
    }
}
