using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>One change of a source file.</summary>
/// <param name="File">Path from the root of the repository.</param>
/// <param name="Before">Text that must be there exactly once; how its lines are indented does not matter.</param>
/// <param name="After">What takes its place.</param>
internal sealed record Edit(string File, string Before, string After);

/// <summary>
/// A bug that is put into a copy of one project, to see whether the nets of the simulation catch it. The product itself has no
/// switches for this.
/// </summary>
/// <param name="Name">Kebab-case; in the report.</param>
/// <param name="Catalogue">Number in the catalogue of planted bugs (docs/reliability.md); 0 for one that it does not have.</param>
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

    /// <summary>It must be caught by one of the seeds from 1 to this. Default: 12.</summary>
    public int Seeds { get; init; } = 12;

    /// <summary>The project that is compiled anew, "Quorate.Raft" say.</summary>
    public string Project => Edits.Select(edit => edit.File.Split('/')[1]).Distinct().Single();

    /// <inheritdoc/>
    public override string ToString() => Name;
}
