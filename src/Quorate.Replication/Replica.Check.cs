using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>
/// Comparing the replicas of the shard. A command begins it; each replica hashes its state as of that entry, in slices by jobs, and
/// reports by another command; the machine gathers the reports. A replica that differs from a majority sets itself aside.
/// </summary>
internal sealed partial class Replica
{
    private Hashing? _hashing;
    private (LogIndex At, StateReport Report)? _report;
    private StateCheck? _judged;
    private StateCheck? _reported; // As far as the log of this node tells of it.
    private CheckCounts _checkCounts;
    private bool _wantsFirstCheck;
    private bool _isCheckAsked;
    private bool _isReportSent;
    private long _checkTick;
    private long _forgottenAtCheck;

    /// <summary>Goes on where the replica that it takes the place of has stopped.</summary>
    private void ContinueChecks(Replica damaged)
    {
        _reported = damaged._reported;
        _checkCounts = damaged._checkCounts with { Repairs = damaged._checkCounts.Repairs + 1 };
    }

    /// <summary>True if the file belongs to the state that is in use.</summary>
    public bool Uses(string path) => path.StartsWith(ReplicaStore.Generation(Directory, _generation) + "/", StringComparison.Ordinal);

    /// <summary>Looks at what the last comparison has come to.</summary>
    /// <returns>What is wrong with this replica, if it differs from a majority; else null.</returns>
    public CorruptFileException? JudgeByCheck()
    {
        StateCheck? check = _machine.Checks?.Last;
        if (ReferenceEquals(check, _judged) || IsTombstoned || IsBlank) { return null; }
        _judged = check;
        if (check is null) { return null; }
        ReportProgress(_reported?.At == check.At ? _reported : check with { Reports = [] }, check);
        _reported = check;
        foreach (StateReport report in check.Wrong)
        {
            // Another member of those that agree must be left to fill this one. Files that came in a snapshot since are others.
            bool isOurs = report.Replica == Id && report.Generation == _generation;
            if (isOurs && check.Reports.Any(other => other.Hash == check.Agreed && _raft.Membership.Contains(other.Replica)))
            {
                return new(Directory, 0, $"its state as of entry {check.At} has the hash {report.Hash:x16}, and that of most members has {check.Agreed:x16}");
            }
        }

        return null;
    }

    private void ReportProgress(StateCheck before, StateCheck now)
    {
        if (before.Agreed is null && now.Agreed is { } agreed)
        {
            Probes.CheckAgreed.Hit();
            _node.Report(Shard, "state-agreed", $"entry={now.At} hash={agreed:x16} replicas={Names(now, agreed)}");
        }

        foreach (StateReport wrong in now.Wrong.Except(before.Wrong))
        {
            Probes.CheckDiffers.Hit();
            _checkCounts = _checkCounts with { Mismatches = _checkCounts.Mismatches + 1 };
            _node.ReportAlarming(
                Shard, "state-differs", $"entry={now.At} replica={wrong.Replica} node={PlaceOf(wrong.Replica)} hash={wrong.Hash:x16} " +
                $"agreed={now.Agreed:x16} by={Names(now, now.Agreed!.Value)} next=\"it is set aside and filled anew by the others\"");
        }

        if (now.IsUndecided && !before.IsUndecided)
        {
            _checkCounts = _checkCounts with { Undecided = _checkCounts.Undecided + 1 };
            string hashes = string.Join(',', now.Reports.Select(report => $"{report.Replica}:{report.Hash:x16}"));
            _node.ReportAlarming(
                Shard, "state-undecided", $"entry={now.At} hashes={hashes} next=\"no majority agrees, so nobody can tell which state is right; the alarm CORRUPT " +
                "is raised; compare the members by hand, restore from a backup or remove those that are wrong, then disarm the alarm\"");
        }
    }

    private static string Names(StateCheck check, ulong hash) =>
        string.Join(',', check.Reports.Where(report => report.Hash == hash).Select(report => report.Replica));

    private void BeginChecks()
    {
        _reported = _machine.Checks?.Last;
        if (_mark is not null) { _checkCounts = new(Rounds: 0, Mismatches: 0, Undecided: 0, Repairs: 1); }
        _checkTick = Now;
        _forgottenAtCheck = _machine.Forgotten;
        _wantsFirstCheck = Config.ChecksAtStart && !IsBlank;
    }

    private bool IsCheckBegunAt(LogIndex index) => _machine.Checks?.Last?.At == index;

    // Right after the entry that begins it was published.
    private void BeginHash()
    {
        if (_hashing is not null) { Probes.CheckSuperseded.Hit(); }
        EndHash();
        IStateChecks checks = _machine.Checks!;
        _checkCounts = _checkCounts with { Rounds = _checkCounts.Rounds + 1 };
        _checkTick = Now;
        _forgottenAtCheck = _machine.Forgotten;
        _wantsFirstCheck = false;
        if (checks.Last!.Format != checks.Format) { return; } // Another version hashes in another way: nothing to compare.
        _hashing = new(checks.Last.At, checks.NewHasher(), _engine.OpenReadView());
    }

    private void TickCheck()
    {
        if (IsBlank) { return; }
        if (_hashing is { IsOut: false } hashing)
        {
            hashing.IsOut = true;
            _node.Run(new FileJob($"{Shard} check", () => hashing.Step(Config.CheckSliceBytes), failure => Hashed(hashing, failure)));
        }

        if (Now % Config.Raft.HeartbeatTicks != 0 || _raft.Leader.IsNone) { return; }
        SendReport();
        if (_wantsFirstCheck || IsCheckDue) { AskForCheck(); }
    }

    // Whoever leads asks; every replica counts from the last one that it has applied, so a change of leader changes nothing.
    private bool IsCheckDue => Role == Role.Leader && _hashing is null &&
        ((Config.CheckTicks > 0 && Now - _checkTick >= Config.CheckTicks) ||
        (Config.ForgottenCheckTicks > 0 && Now - _checkTick >= Config.ForgottenCheckTicks && _machine.Forgotten > _forgottenAtCheck));

    private void AskForCheck()
    {
        if (_isCheckAsked || _node.IsStopping || _machine.Checks is not { } checks) { return; }
        _isCheckAsked = true;
        Propose(new CheckRequest(_ => _isCheckAsked = false) { Shard = Shard, Command = checks.Begin() });
    }

    private void Hashed(Hashing hashing, Exception? failure)
    {
        hashing.IsOut = false;
        if (hashing != _hashing)
        {
            hashing.Close();
            return;
        }

        if (failure is CorruptFileException or DiskException)
        {
            EndHash();
            _node.ReportAlarming(Shard, "state-unreadable", $"entry={hashing.At} reason=\"{failure.Message}\"");
            if (failure is CorruptFileException damage) { _node.Damaged(Shard, damage); }
            return;
        }

        if (failure is not null) { throw failure; }
        if (!hashing.IsDone) { return; }
        _report = (hashing.At, new(Id, _generation, hashing.Value));
        EndHash(withReport: false);
    }

    // Until it is in the log, or another comparison was begun.
    private void SendReport()
    {
        if (_report is not { } report || _isReportSent || _node.IsStopping) { return; }
        if (_machine.Checks?.Last is not { } check || check.At != report.At || check.Has(Id))
        {
            _report = null;
            return;
        }

        _isReportSent = true;
        Propose(new CheckRequest(_ => _isReportSent = false) { Shard = Shard, Command = _machine.Checks.Report(report.At, report.Report) });
    }

    // A step that is out ends by itself, and lets go of the view then.
    private void EndHash(bool withReport = true)
    {
        if (_hashing is { IsOut: false } hashing) { hashing.Close(); }
        _hashing = null;
        if (withReport) { _report = null; }
    }

    private sealed class CheckRequest(Action<RequestOutcome> completed) : ProposeRequest
    {
        public override void Complete(RequestOutcome outcome, ReadOnlySpan<byte> reply) => completed(outcome);
    }

    private sealed class Hashing(LogIndex at, IStateHasher hasher, IReadView view)
    {
        public LogIndex At => at;

        public bool IsOut { get; set; }

        public bool IsDone { get; private set; }

        public ulong Value => hasher.Value;

        // On the thread of a job. Nobody else touches it meanwhile.
        public void Step(long bytes) => IsDone = hasher.Step(view, bytes);

        public void Close() => view.Dispose();
    }
}
