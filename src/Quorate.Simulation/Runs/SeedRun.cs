namespace Quorate.Simulation;

/// <summary>
/// One seed of one scenario, asked for and answered in types of the runtime only: the way in for whoever loads a copy of the product
/// and shares no type with it.
/// </summary>
public static class SeedRun
{
    /// <summary>Runs a seed.</summary>
    /// <param name="scenario">Name of one of <see cref="Scenarios.All"/>.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>The net that caught a failure (a name of <see cref="SimNet"/>) and its message; null if every promise held.</returns>
    /// <exception cref="ArgumentException">There is no such scenario.</exception>
    public static (string Net, string Message)? Execute(string scenario, ulong seed)
    {
        Scenario found = Scenarios.All.FirstOrDefault(known => known.Name == scenario) ??
            throw new ArgumentException($"there is no scenario '{scenario}'", nameof(scenario));
        return SimRun.Execute(found.Plan(seed)).Failure is { } failure ? (failure.Net.ToString(), failure.Message) : null;
    }
}
