using System.Collections.Immutable;
using Quorate.Conformance.Tests.Differential.Cases;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>All groups of cases. To add one: a file in Cases/ and a line here.</summary>
internal static class AllCases
{
    public static readonly ImmutableArray<CaseGroup> Groups =
    [
        RangeCases.Group, PutCases.Group, DeleteRangeCases.Group, TxnCases.Group, CompactCases.Group,
        LeaseCases.Group, WatchCases.Group, WatchCases.OverCompaction, LockCases.Group, ElectionCases.Group, GatewayCases.Group, GrpcCases.Group,
        MaintenanceCases.Group, ClusterCases.Group, ClusterCases.Changes,
        AuthCases.Management, AuthCases.Asked, AuthCases.Expiry,
    ];
}
