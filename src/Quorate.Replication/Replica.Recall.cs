namespace Quorate.Replication;

/// <summary>What a started replica has learnt of its earlier promises, for the log.</summary>
internal sealed partial class Replica
{
    private bool _hasReportedRecall;

    private void ReportRecall()
    {
        if (_hasReportedRecall || _raft.Recalled is not { } recalled) { return; }
        _hasReportedRecall = true;
        string detail = $"replica={Id} term={recalled.Term} log={recalled.Last} others={recalled.Floor}";
        _node.Report(Shard, recalled.Missing == 0 ? "promises-recalled" : "promises-not-recalled", recalled.Missing == 0
            ? detail
            : $"{detail} missing={recalled.Missing} reason=\"not all members could be asked what this one had promised; should its disk be an " +
                "old copy, acknowledged writes may be lost\"");
    }
}
