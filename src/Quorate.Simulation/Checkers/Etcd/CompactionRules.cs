namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>A compaction that was answered holds for everything asked afterwards: what is below it is refused.</summary>
internal static class CompactionRules
{
    /// <summary>Checks all compactions, and all reads of the past.</summary>
    public static void Check(EtcdOperation[] operations, Findings findings)
    {
        EtcdOperation[] compactions = [.. operations.Where(o => o is { Request: EtcdRequest.Compact, Response: not null }).OrderBy(o => o.Returned)];
        EtcdOperation? greatest = null;
        int next = 0;
        foreach (EtcdOperation operation in operations.Where(o => o.Response is not null && o.IsLinearizable).OrderBy(o => o.Invoked))
        {
            if (operation.Request is EtcdRequest.Compact compact && compact.Revision > operation.Revision)
            {
                findings.Add(
                    "compaction of the future",
                    $"Revision {compact.Revision} was compacted when the newest was {operation.Revision}; that is refused.",
                    operation);
            }

            for (; next < compactions.Length && compactions[next].Returned < operation.Invoked; next++)
            {
                if (greatest is null || Revision(compactions[next]) > Revision(greatest)) { greatest = compactions[next]; }
            }

            if (greatest is null) { continue; }
            long limit = Revision(greatest);
            if (operation.Request is EtcdRequest.Compact again && again.Revision <= limit)
            {
                findings.Add("compacted twice", $"Revision {limit} had been compacted, and then {again.Revision} was; that is refused.", greatest, operation);
            }
            else if (Past(operation.Request, operation.Response!).Any(r => r < limit))
            {
                findings.Add("read of compacted revision", $"Revision {limit} had been compacted, and an older one was read; that is refused.", greatest, operation);
            }
        }
    }

    /// <summary>The greatest revision that may have been compacted; 0 if none.</summary>
    public static long Greatest(EtcdOperation[] operations) => operations
        .Where(o => o.Source.Outcome != HistoryOutcome.Failed && o.Request is EtcdRequest.Compact).Select(Revision).DefaultIfEmpty(0).Max();

    private static long Revision(EtcdOperation compaction) => ((EtcdRequest.Compact)compaction.Request).Revision;

    private static IEnumerable<long> Past(EtcdRequest request, EtcdResponse response) => (request, response) switch
    {
        (EtcdRequest.Range { Revision: > 0 } range, _) => [range.Revision],
        (EtcdRequest.Txn txn, EtcdResponse.Txn answer) =>
            (answer.Succeeded ? txn.Success : txn.Failure).Zip(answer.Parts, Past).SelectMany(r => r),
        _ => [],
    };
}
