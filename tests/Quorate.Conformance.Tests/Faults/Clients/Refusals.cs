using System.Text.RegularExpressions;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Client;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Which failures say for certain that nothing happened. The product's client decides by the same table.</summary>
internal static partial class Refusals
{
    /// <summary>Whether a failed call of our own client may have had an effect.</summary>
    public static bool MayHaveHappened(EtcdRpcException failure) => MayHaveHappened(failure.Status, failure.Message, failure.WasSent);

    /// <summary>The same of etcdctl, which prints the server's words and keeps its status to itself.</summary>
    public static bool MayHaveHappenedOfEtcdctl(string error) =>
        MayHaveHappened(GrpcStatus.Unknown, LastError().Match(error).Groups["words"].Value.TrimEnd(), wasSent: true);

    /// <summary>The same of python_worker.py: <c>error UNAVAILABLE 'etcdserver: no leader'</c>.</summary>
    public static bool MayHaveHappenedOfPython(string line)
    {
        Match match = PythonError().Match(line);
        _ = Enum.TryParse(match.Groups["status"].Value.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out GrpcStatus status);
        return MayHaveHappened(match.Success && status != GrpcStatus.OK ? status : GrpcStatus.Unknown, match.Groups["words"].Value, wasSent: true);
    }

    private static bool MayHaveHappened(GrpcStatus status, string words, bool wasSent) =>
        EtcdFailures.Of(status, words, wasSent) == EtcdFailure.Unknown;

    [GeneratedRegex("^Error: (?<words>.*)$", RegexOptions.Multiline | RegexOptions.RightToLeft)]
    private static partial Regex LastError();

    [GeneratedRegex("^error (?<status>[A-Z_]+) ['\"](?<words>.*)['\"]$")]
    private static partial Regex PythonError();
}
