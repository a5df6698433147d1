using Xunit;

namespace Quorate.Conformance.Tests;

/// <summary>Patroni with two PostgreSQL servers, and vip-manager, on three nodes.</summary>
public sealed class PatroniTests(ITestOutputHelper output)
{
    // What the script exits with where it cannot be tried.
    private const int CannotBeTried = 77;

    // Goal: kill -9 of the primary, and of the next one together with Quorate's leader, costs no acknowledged row; what is waited for, and
    // what is compared, stands in the script. It takes some 90 s, of which two times Patroni's time to live, 20 s, are spent waiting.
    [Fact]
    public void Patroni_fails_over_through_Quorate_while_a_node_is_killed_too()
    {
        string script = Path.Combine(AppContext.BaseDirectory, "patroni", "run.sh");
        Tool.Result result = Tool.Run("/bin/bash", [script, "dotnet", ServerProcess.Binary], seconds: 540);
        output.WriteLine(result.Output);
        if (result.ExitCode == CannotBeTried) { Assert.Skip(result.Output.TrimEnd()); }
        Assert.Contains("a and b have them all", result.Succeeded(), StringComparison.Ordinal);
    }
}
