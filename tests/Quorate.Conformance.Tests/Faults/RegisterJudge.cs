using Quorate.Simulation.Checkers;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Reads a history of registers and asks whether it is linearizable.</summary>
internal static class RegisterJudge
{
    /// <summary>What is wrong; null if nothing.</summary>
    public static string? Check(string path)
    {
        using FileStream file = File.OpenRead(path);
        Verdict verdict = Models.Register.Check(HistoryReader.Read(file), new());
        return verdict.IsLegal ? null : verdict.Explanation;
    }
}
