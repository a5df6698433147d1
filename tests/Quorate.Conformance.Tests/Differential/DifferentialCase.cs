using System.Collections.Immutable;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>Which way a case goes to a server.</summary>
internal enum Door
{
    /// <summary>gRPC.</summary>
    Grpc,

    /// <summary>The JSON gateway.</summary>
    Json,
}

/// <summary>Requests to both servers; all answers are compared. Before it, both have no key and no lease.</summary>
/// <param name="Name">Unique in its group.</param>
/// <param name="Script">A step a line; <see cref="Step"/> says how they read.</param>
internal sealed record DifferentialCase(string Name, string Script);

/// <summary>Cases of one subject.</summary>
/// <param name="Name">Unique; with a case's name it is what the table says.</param>
/// <param name="Setup">Steps before each case; their answers are compared too, once for all.</param>
/// <param name="Cases">The cases.</param>
internal sealed record CaseGroup(string Name, string Setup, ImmutableArray<DifferentialCase> Cases)
{
    /// <summary>Steps after each case, through gRPC, that take back what deleting keys and leases does not. Their answers do not count.</summary>
    public string Teardown { get; init; } = "";

    /// <summary>Servers of its own for each case, for what no reset takes back.</summary>
    public bool OwnServers { get; init; }

    /// <summary>Flags for those, beside the usual ones; for both servers.</summary>
    public ImmutableArray<string> Arguments { get; init; } = [];
}
