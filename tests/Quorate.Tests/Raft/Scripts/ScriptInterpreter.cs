using System.Text;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>Runs the commands of one script. The table in <see cref="Run"/> is the language.</summary>
internal sealed class ScriptInterpreter
{
    private readonly ScriptCluster _cluster = new();

    /// <summary>Runs one command line and answers what it says.</summary>
    /// <exception cref="ScriptException">The script is wrong.</exception>
    /// <exception cref="SafetyException">Raft is.</exception>
    public IReadOnlyList<string> Run(string line)
    {
        ScriptCommand command = ScriptCommand.Parse(line);
        Action<ScriptCommand> action = command.Name switch
        {
            // The stage.
            "add-nodes" => AddNodes,
            "crash" => c => ForEach(c, _cluster.Crash),
            "restart" => c => ForEach(c, _cluster.Restart),
            "set-election-timeout" => SetElectionTimeout,
            "elect" => Elect,

            // What happens to a replica.
            "tick" => c => Tick(c, (int)c.Number("count", 1)),
            "tick-heartbeat" => c => Tick(c, _cluster.Node(c.Replica(0)).Options.HeartbeatTicks),
            "tick-election" => c => Tick(c, _cluster.Node(c.Replica(0)).Options.ElectionTicks),
            "campaign" => c => Do(c, "campaigns", static core => core.Campaign()),
            "forget-leader" => c => Do(c, "forgets its leader", static core => core.ForgetLeader()),
            "leader-unreachable" => c => Do(c, "loses the connection to its leader", static core => core.LeaderUnreachable()),
            "transfer-leadership" => TransferLeadership,
            "propose" => Propose,
            "propose-membership" => ProposeMembership,
            "read-index" => ReadIndex,
            "compact" => Compact,
            "send-snapshot" => SendSnapshot,
            "report-snapshot" => ReportSnapshot,
            "report-unreachable" => ReportUnreachable,

            // What its host does.
            "process-ready" => c => ForEach(c, _cluster.ProcessReady),
            "persist" => c => ForEach(c, _cluster.Persist),
            "apply" => c => ForEach(c, _cluster.Apply),
            "stabilize" => c => _cluster.Stabilize([.. Chosen(c)]),

            // The network.
            "deliver" => Deliver,
            "drop" => c => _cluster.Drop(Filter(c)),
            "duplicate" => Duplicate,
            "forge-append" => ForgeAppend,

            // Looking.
            "raft-state" => RaftState,
            "raft-log" => c => ForEach(c, RaftLog),
            "status" => Status,
            _ => throw command.Wrong("there is no such command"),
        };

        action(command);
        command.EnsureAllUsed();
        _cluster.CheckLogs();
        List<string> trace = _cluster.TakeTrace();
        return command.IsQuiet || trace.Count == 0 ? ["ok"] : trace;
    }

    /// <summary>What a command said before it failed.</summary>
    public IReadOnlyList<string> TakeTrace() => _cluster.TakeTrace();

    private IEnumerable<ScriptNode> Chosen(ScriptCommand command)
    {
        ReplicaId[] ids = command.Replicas();
        return ids.Length == 0 ? _cluster.Nodes.Values : ids.Select(_cluster.Node);
    }

    private void ForEach(ScriptCommand command, Action<ScriptNode> action)
    {
        foreach (ScriptNode node in Chosen(command)) { action(node); }
    }

    private void Do(ScriptCommand command, string what, Action<RaftCore> action) =>
        _cluster.Do(_cluster.Node(command.Replica(0)), what, action);

    private void Tick(ScriptCommand command, int count)
    {
        ScriptNode node = _cluster.Node(command.Replica(0));
        _cluster.Do(node, $"ticks {count}", core =>
        {
            for (int i = 0; i < count; i++) { core.Tick(); }
        });
    }

    // add-nodes N [voters=() learners=()] [index=I index-term=T] [log=(term of each entry after I) log-bytes=B]
    // [term=T] [async=on] [options of the core]
    private void AddNodes(ScriptCommand command)
    {
        ulong count = command.ToNumber(command.Words[0]);
        LogIndex index = new((ulong)command.Number("index", 0));
        Term snapshotTerm = new((ulong)command.Number("index-term", index > LogIndex.Zero ? 1 : 0));
        ulong[] log = command.Numbers("log");
        int logBytes = (int)command.Number("log-bytes", 0);
        Term term = new((ulong)command.Number("term", (long)log.Append(snapshotTerm.Value).Max()));
        Membership membership = Membership.Of(command.Replicas("voters")) with
        {
            Learners = [.. command.Replicas("learners").Order()],
        };
        RaftOptions options = Options(command);
        bool isAsync = command.Flag("async", false);

        ulong first = _cluster.Nodes.Count == 0 ? 1 : _cluster.Nodes.Keys.Max().Value + 1;
        for (ulong id = first; id < first + count; id++)
        {
            ScriptDisk disk = new()
            {
                HardState = new HardState(term, ReplicaId.None, index),
                Snapshot = new SnapshotMeta(new LogPosition(index, snapshotTerm), membership),
            };
            foreach (ulong entryTerm in log)
            {
                byte[] payload = Encoding.ASCII.GetBytes($"t{entryTerm}".PadRight(logBytes));
                disk.Entries.Add(new LogEntry(disk.LastIndex.Next, new Term(entryTerm), EntryKind.Command, payload));
            }

            _cluster.Add(new ScriptNode(new ReplicaId(id), options, isAsync, disk));
        }
    }

    private static RaftOptions Options(ScriptCommand command)
    {
        RaftOptions defaults = new();
        RaftOptions options = new()
        {
            HeartbeatTicks = (int)command.Number("heartbeat-ticks", defaults.HeartbeatTicks),
            ElectionTicks = (int)command.Number("election-ticks", defaults.ElectionTicks),
            MaxAppendBytes = (int)command.Number("max-append-bytes", defaults.MaxAppendBytes),
            MaxInflightMessages = (int)command.Number("max-inflight", defaults.MaxInflightMessages),
            MaxInflightBytes = command.Number("max-inflight-bytes", defaults.MaxInflightBytes),
            MaxUncommittedBytes = command.Number("max-uncommitted-bytes", defaults.MaxUncommittedBytes),
            MaxCommittedBytes = command.Number("max-committed-bytes", defaults.MaxCommittedBytes),
            PreVote = command.Flag("pre-vote", defaults.PreVote),
            CheckQuorum = command.Flag("check-quorum", defaults.CheckQuorum),
            LeaseReads = command.Flag("lease-reads", defaults.LeaseReads),
            StepDownOnRemoval = command.Flag("step-down-on-removal", defaults.StepDownOnRemoval),
        };
        return options.Problems().FirstOrDefault() is { } problem ? throw command.Wrong(problem) : options;
    }

    // elect N [M...]: N wins an election, among M if given, and all of them learn what is committed. Preparation only.
    private void Elect(ScriptCommand command)
    {
        ScriptNode node = _cluster.Node(command.Replica(0));
        ScriptNode[] others = [.. Chosen(command)];
        node.Core.Campaign();
        _cluster.Stabilize(others.Length == 1 ? [.. _cluster.Nodes.Values] : others);
        _cluster.TakeTrace();
        if (node.Core.Role != Role.Leader) { throw command.Wrong($"{node.Id} is {node.Core.Role}"); }
        _cluster.Say($"{node.Id}: Leader term={node.Core.Term} commit={node.Core.Commit}");
    }

    private void SetElectionTimeout(ScriptCommand command)
    {
        ScriptNode node = _cluster.Node(command.Replica(0));
        node.Core.SetElectionTimeout((int)command.Number("ticks", 0));
    }

    private void TransferLeadership(ScriptCommand command)
    {
        ReplicaId to = command.Replicas("to").Single();
        Do(command, $"is to hand leadership to {to}", core => core.TransferLeadership(to));
    }

    // propose N payload...: a payload `x*5000` is 5,000 times that letter.
    private void Propose(ScriptCommand command)
    {
        foreach (string word in command.Words.Skip(1))
        {
            string text = word is [char letter, '*', .. string count]
                ? new string(letter, (int)command.ToNumber(count))
                : word;
            Do(command, "proposes", core =>
            {
                byte[] payload = Encoding.ASCII.GetBytes(text);
                ProposeOutcome outcome = core.Propose(payload, out LogPosition position);
                LogEntry entry = new(position.Index, position.Term, EntryKind.Command, payload);
                bool isTaken = outcome == ProposeOutcome.Appended;
                _cluster.Say(isTaken ? $"  {ScriptPrinter.Entry(entry)}" : $"  refused: {outcome}");
            });
        }
    }

    // propose-membership N [add-voter=I] [add-learner=I] [remove=I] [transition=implicit|explicit], or: N leave
    private void ProposeMembership(ScriptCommand command)
    {
        JointTransition transition = command.Word("transition") switch
        {
            null or "auto" => JointTransition.Auto,
            "implicit" => JointTransition.Implicit,
            "explicit" => JointTransition.Explicit,
            _ => throw command.Wrong("a transition is auto, implicit or explicit"),
        };
        bool isLeave = command.Words.Contains("leave");
        MembershipChange change = isLeave ? MembershipChange.Leave : new([.. command.Steps()], transition, default);
        Do(command, "proposes a membership", core =>
        {
            ProposeOutcome outcome = core.ProposeMembership(change, out LogPosition position);
            _cluster.Say(outcome == ProposeOutcome.Appended
                ? $"  {position} {ScriptPrinter.Change(change)}"
                : $"  refused: {outcome}");
        });
    }

    private void ReadIndex(ScriptCommand command)
    {
        foreach (string context in command.Words.Skip(1))
        {
            Do(command, $"is asked for read {context}", core => core.ReadIndex(command.ToNumber(context)));
        }
    }

    // compact N I: the state machine's own files hold everything up to I, and the log forgets it.
    private void Compact(ScriptCommand command)
    {
        ScriptNode node = _cluster.Node(command.Replica(0));
        LogIndex index = new(command.ToNumber(command.Words[1]));
        if (index > node.Disk.LastIndex) { throw command.Wrong($"the log on disk ends at {node.Disk.LastIndex}"); }
        node.Disk.CompactTo(node.SnapshotAt(index));
        Do(command, $"compacts its log up to {index}", core => core.CompactLog(index));
    }

    // send-snapshot FROM TO [index=I]: of the state as of I, or of all that is applied.
    private void SendSnapshot(ScriptCommand command)
    {
        ScriptNode node = _cluster.Node(command.Replica(0));
        LogIndex index = new((ulong)command.Number("index", (long)node.Applied.Index.Value));
        _cluster.SendSnapshot(node, command.Replica(1), index);
    }

    private void ReportSnapshot(ScriptCommand command)
    {
        ReplicaId to = command.Replica(1);
        bool succeeded = command.Flag("succeeded", true);
        string outcome = succeeded ? "arrived" : "failed";
        Do(command, $"learns that the snapshot for {to} {outcome}", core => core.ReportSnapshot(to, succeeded));
    }

    private void ReportUnreachable(ScriptCommand command)
    {
        ReplicaId peer = command.Replica(1);
        Do(command, $"learns that {peer} is unreachable", core => core.ReportUnreachable(peer));
    }

    private void Deliver(ScriptCommand command)
    {
        Func<RaftMessage, bool> filter = Filter(command);
        int most = (int)command.Number("count", int.MaxValue);
        int count = 0;
        foreach (ScriptNode node in Chosen(command).Where(static node => node.IsUp))
        {
            count += _cluster.Deliver(node, filter, most);
        }

        if (count == 0) { _cluster.Say("nothing"); }
    }

    private void Duplicate(ScriptCommand command)
    {
        List<RaftMessage> copies = [.. _cluster.Network.Where(Filter(command))];
        foreach (RaftMessage copy in copies) { _cluster.Say($"  {ScriptPrinter.Message(copy)}"); }

        // A copy of its own, so that delivering one leaves the other.
        _cluster.Network.AddRange(copies.Select(static copy => copy with { }));
    }

    // forge-append TO from=I term=T prev=I prev-term=T commit=I: an empty append that a leader may send, though ours does not.
    private void ForgeAppend(ScriptCommand command)
    {
        MessageHeader header = new(
            ScriptNode.Shard, command.Replicas("from").Single(), command.Replica(0), new Term((ulong)command.Number("term", 0)));
        LogPosition previous = new(
            new LogIndex((ulong)command.Number("prev", 0)), new Term((ulong)command.Number("prev-term", 0)));
        AppendEntries append = new(header, previous, [], new LogIndex((ulong)command.Number("commit", 0)));
        _cluster.Say($"  {ScriptPrinter.Message(append)}");
        _cluster.Network.Add(append);
    }

    // from=() to=() type=Name, each optional.
    private static Func<RaftMessage, bool> Filter(ScriptCommand command)
    {
        ReplicaId[] from = command.Replicas("from");
        ReplicaId[] to = command.Replicas("to");
        string? type = command.Word("type");
        return message =>
            (from.Length == 0 || from.Contains(message.From)) &&
            (to.Length == 0 || to.Contains(message.To)) &&
            (type is null || type == ScriptPrinter.Name(message));
    }

    private void RaftState(ScriptCommand command) => ForEach(command, node =>
    {
        if (!node.IsUp)
        {
            _cluster.Say($"{node.Id}: down");
            return;
        }

        RaftStatus status = node.Core.Status;
        string part = status.Membership switch
        {
            var m when m.IsVoter(node.Id) => "voter",
            var m when m.IsLearner(node.Id) => "learner",
            _ => "outsider",
        };
        string transferee = status.Transferee.IsNone ? "" : $" transferee={status.Transferee}";
        _cluster.Say(
            $"{node.Id}: {status.Role} {part} term={status.Term} leader={status.Leader} commit={status.Commit} " +
            $"applied={status.Applied} log={status.FirstIndex}..{status.LastIndex}{transferee}");
    });

    // What the core holds in memory, and where the disk differs, what is there.
    private void RaftLog(ScriptNode node)
    {
        RaftStatus status = node.Core.Status;
        _cluster.Say(
            $"{node.Id}: {status.FirstIndex}..{status.LastIndex} " +
            $"durable={node.Core.DurableIndex} commit={status.Commit} applied={status.Applied}");
        LogIndex last = LogIndex.Max(status.LastIndex, node.Disk.LastIndex);
        for (LogIndex index = status.FirstIndex; index <= last; index = index.Next)
        {
            Term? term = index <= status.LastIndex ? node.Core.TermAt(index) : null;
            LogEntry? written = node.Disk.At(index);
            string onDisk = written is { } entry ? ScriptPrinter.Entry(entry) : "nothing";
            bool isSame = written?.Term == term;
            string inMemory = term is null ? "nothing" : $"{index}@{term}";
            _cluster.Say(isSame ? $"  {onDisk}" : $"  {inMemory}, on disk {onDisk}");
        }
    }

    private void Status(ScriptCommand command)
    {
        RaftCore core = _cluster.Node(command.Replica(0)).Core;
        foreach (FollowerProgress follower in core.Status.Followers)
        {
            string inflight = follower.InflightMessages == 0 ? "" : $" inflight={follower.InflightMessages}";
            string paused = follower.Paused ? " paused" : "";
            string wants = core.SnapshotsWanted.Contains(follower.Id) ? " wants a snapshot" : "";
            _cluster.Say(
                $"{follower.Id}: {follower.State} match={follower.Match} next={follower.Next}{inflight}{paused}{wants}");
        }
    }
}
