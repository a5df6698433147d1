namespace Quorate.Core;

/// <summary>
/// Counts how often a rare path was taken, so that a simulation can tell which of them its runs never reached. A project names its
/// probes in one class <c>Probes</c>, as static fields; the simulation finds them there.
/// </summary>
/// <remarks>Any thread. Two hits at the same moment may count as one: what matters is whether it is zero. Changes nothing else.</remarks>
/// <param name="name">"part: what happened", for people.</param>
public sealed class CodeProbe(string name)
{
    /// <summary>What was reached.</summary>
    public string Name => name;

    /// <summary>Times it was reached in this process, about.</summary>
    public long Hits { get; private set; }

    /// <summary>It was reached.</summary>
    public void Hit() => Hits++;
}
