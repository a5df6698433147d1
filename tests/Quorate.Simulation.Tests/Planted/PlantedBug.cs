using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>One change of a source file.</summary>
/// <param name="File">Path from the root of the repository.</param>
/// <param name="Before">Text that must be there exactly once; how its lines are indented does not matter.</param>
/// <param name="After">What takes its place.</param>
internal sealed record Edit(string File, string Before, string After);

/// <summary>A test that catches what simulated runs cannot show.</summary>
/// <param name="Assembly">Name of its assembly.</param>
/// <param name="Method">Full name of the method.</param>
/// <param name="Reason">Why no simulated run shows the bug.</param>
internal sealed record OtherTest(string Assembly, string Method, string Reason);

/// <summary>
/// A bug that is put into a copy of one project, to see whether the nets of the simulation catch it. The product itself has no
/// switches for this.
/// </summary>
/// <param name="Name">Kebab-case; in the report.</param>
/// <param name="Catalogue">Its row in the catalogue of planted bugs (PlantedCatalogue); 0 for one that it does not have.</param>
/// <param name="Edits">All in files of one project.</param>
internal sealed record PlantedBug(string Name, int Catalogue, params ImmutableArray<Edit> Edits)
{
    /// <summary>A bug of one edit.</summary>
    public PlantedBug(string name, int catalogue, string file, string before, string after)
        : this(name, catalogue, [new Edit(file, before, after)])
    {
    }

    /// <summary>The scenario whose seeds must catch it. Default: the sweep.</summary>
    public string Scenario { get; init; } = "swarm";

    /// <summary>The first seed that is tried: the first that showed it when it was planted, so that the suite takes little time. Default: 1.</summary>
    public int From { get; init; } = 1;

    /// <summary>It must be caught by one of so many seeds. Default: 60; all but the first are for the day when the product's draws change.</summary>
    public int Seeds { get; init; } = 60;

    /// <summary>The test that catches it, if no simulated run can.</summary>
    public OtherTest? Test { get; init; }

    /// <summary>The project that is compiled anew, "Quorate.Raft" say.</summary>
    public string Project => Edits.Select(edit => edit.File.Split('/')[1]).Distinct().Single();

    /// <inheritdoc/>
    public override string ToString() => Name;
}
