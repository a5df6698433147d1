using System.Collections.Immutable;
using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>Some replicas, the messages under way between them, and a trace of what they do.</summary>
/// <remarks>Nothing happens by itself: a message waits until it is delivered, a write until it is done.</remarks>
internal sealed class ScriptCluster
{
    private readonly ScriptSafety _safety = new();
    private readonly SortedDictionary<ReplicaId, string> _shownState = [];
    private readonly SortedDictionary<ReplicaId, Membership> _shownMembership = [];
    private List<string> _trace = [];

    public SortedDictionary<ReplicaId, ScriptNode> Nodes { get; } = [];

    /// <summary>Sent and not yet delivered, in the order of sending.</summary>
    public List<RaftMessage> Network { get; private set; } = [];

    public ScriptNode Node(ReplicaId id) =>
        Nodes.TryGetValue(id, out ScriptNode? node) ? node : throw new ScriptException($"there is no replica {id}.");

    public List<string> TakeTrace()
    {
        List<string> trace = _trace;
        _trace = [];
        return trace;
    }

    public void Say(string line) => _trace.Add(line);

    public void Add(ScriptNode node)
    {
        if (!Nodes.TryAdd(node.Id, node)) { throw new ScriptException($"{node.Id} exists already."); }
        Start(node);
    }

    /// <summary>Calls the core, then shows how its state changed.</summary>
    public void Do(ScriptNode node, string what, Action<RaftCore> action)
    {
        Say($"> {node.Id} {what}");
        action(node.Core);
        NoteState(node, isShown: true);
    }

    public void Crash(ScriptNode node)
    {
        Say($"> {node.Id} crashes");
        node.Crash();
        _shownState.Remove(node.Id);
    }

    public void Restart(ScriptNode node)
    {
        if (node.IsUp) { Crash(node); }
        Start(node);
    }

    /// <summary>Takes one Ready. A synchronous host does all of it now; an asynchronous one queues writes and applies.</summary>
    public void ProcessReady(ScriptNode node)
    {
        Say($"> {node.Id} ready");
        if (!node.Core.HasReady)
        {
            Say("  nothing");
            return;
        }

        Ready ready = node.Core.TakeReady();
        foreach (ReadState read in ready.Reads) { Say($"  read {read.Context} may be served at {read.Index}"); }
        foreach (ulong read in ready.DroppedReads) { Say($"  read {read} is dropped"); }
        Send(node, ready.Messages);

        if (node.IsAsync)
        {
            if (ready.PersistToken != 0)
            {
                node.Writes.Enqueue(ready);
                Say($"  write #{ready.PersistToken} {ScriptPrinter.Write(ready) ?? "nothing"}");
                foreach (RaftMessage message in ready.MessagesAfterPersist)
                {
                    Say($"  after #{ready.PersistToken} {ScriptPrinter.Message(message)}");
                }
            }

            if (!ready.Committed.IsEmpty)
            {
                node.Applies.Enqueue(ready.Committed);
                Say($"  committed {ScriptPrinter.Entries(ready.Committed)}");
            }
        }
        else
        {
            if (ready.PersistToken != 0) { Write(node, ready); }
            if (!ready.Committed.IsEmpty) { Apply(node, ready.Committed); }
        }

        NoteState(node, isShown: true);
    }

    /// <summary>The oldest write under way at an asynchronous host becomes durable.</summary>
    public void Persist(ScriptNode node)
    {
        Say($"> {node.Id} persists");
        if (node.Writes.TryDequeue(out Ready? ready)) { Write(node, ready); }
        else { Say("  nothing"); }
        NoteState(node, isShown: true);
    }

    /// <summary>The oldest batch of committed entries at an asynchronous host is applied.</summary>
    public void Apply(ScriptNode node)
    {
        Say($"> {node.Id} applies");
        if (node.Applies.TryDequeue(out ImmutableArray<LogEntry> entries)) { Apply(node, entries); }
        else { Say("  nothing"); }
        NoteState(node, isShown: true);
    }

    /// <summary>Hands over messages that the filter selects, in the order of sending. Answers how many there were.</summary>
    public int Deliver(ScriptNode node, Func<RaftMessage, bool> filter, int most = int.MaxValue)
    {
        List<RaftMessage> mine = [.. Network.Where(message => message.To == node.Id && filter(message)).Take(most)];
        if (mine.Count == 0) { return 0; }
        Network = [.. Network.Except(mine, ReferenceEqualityComparer.Instance).Cast<RaftMessage>()];
        foreach (RaftMessage message in mine)
        {
            // Its content was shown when it was sent.
            Say($"> {node.Id} receives {ScriptPrinter.Name(message)} from {message.From}");
            node.Core.Step(message);
            NoteState(node, isShown: true);
        }

        return mine.Count;
    }

    public void Drop(Func<RaftMessage, bool> filter)
    {
        List<RaftMessage> lost = [.. Network.Where(filter)];
        Network = [.. Network.Except(lost, ReferenceEqualityComparer.Instance).Cast<RaftMessage>()];
        Say(lost.Count == 0 ? "nothing" : "> lost");
        foreach (RaftMessage message in lost) { Say($"  {ScriptPrinter.Message(message)}"); }
    }

    /// <summary>The host of a leader sends a snapshot, outside the Raft core as real hosts do.</summary>
    public void SendSnapshot(ScriptNode from, ReplicaId to, LogIndex index)
    {
        Say($"> {from.Id} sends a snapshot");
        SnapshotMeta snapshot = from.SnapshotAt(index);
        from.Core.SnapshotStarted(to, snapshot.Position);
        Send(from, [new InstallSnapshot(new MessageHeader(ScriptNode.Shard, from.Id, to, from.Core.Term), snapshot)]);
        NoteState(from, isShown: true);
    }

    /// <summary>Lets these replicas do all they can, in rounds, until nothing is left to do among them.</summary>
    public void Stabilize(IReadOnlyCollection<ScriptNode> nodes)
    {
        const int MostRounds = 200;
        for (int round = 0; round < MostRounds; round++)
        {
            bool isDone = true;
            foreach (ScriptNode node in nodes.Where(static node => node.IsUp && node.Core.HasReady))
            {
                isDone = false;
                ProcessReady(node);
            }

            foreach (ScriptNode node in nodes.Where(static node => node.IsUp))
            {
                foreach (ReplicaId to in node.Core.SnapshotsWanted)
                {
                    isDone = false;
                    SendSnapshot(node, to, node.Applied.Index);
                }
            }

            foreach (ScriptNode node in nodes.Where(static node => node.IsUp))
            {
                isDone &= Deliver(node, static _ => true) == 0;
            }

            foreach (ScriptNode node in nodes.Where(static node => node.Writes.Count > 0))
            {
                isDone = false;
                Persist(node);
            }

            foreach (ScriptNode node in nodes.Where(static node => node.Applies.Count > 0))
            {
                isDone = false;
                Apply(node);
            }

            if (isDone) { return; }
        }

        throw new SafetyException($"no rest after {MostRounds} rounds: the replicas talk without end");
    }

    public void CheckLogs() => ScriptSafety.CheckLogs(Nodes.Values);

    private void Start(ScriptNode node)
    {
        node.Start();
        Say($"> {node.Id} starts from snapshot={ScriptPrinter.Snapshot(node.Disk.Snapshot)}");
        if (node.Disk.Entries.Count > 0)
        {
            Say($"  log={string.Join(' ', node.Disk.Entries.Select(static entry => entry.Position))}");
        }

        _shownMembership[node.Id] = node.Disk.Snapshot.Membership;
        NoteState(node, isShown: true);
    }

    private void Write(ScriptNode node, Ready ready)
    {
        if (ScriptPrinter.Write(ready) is { } text)
        {
            Say(node.IsAsync ? $"  wrote #{ready.PersistToken} {text}" : $"  write {text}");
        }

        node.Disk.Write(ready);
        if (ready.Snapshot is { } snapshot) { node.Install(snapshot); }
        node.Core.Persisted(ready.PersistToken);
        NoteState(node, isShown: false);
        Send(node, ready.MessagesAfterPersist);
    }

    private void Apply(ScriptNode node, ImmutableArray<LogEntry> entries)
    {
        Say($"  apply {ScriptPrinter.Entries(entries)}");
        foreach (LogEntry entry in entries) { _safety.CheckApplied(node, entry); }
        node.Apply(entries);
        NoteMembership(node);
    }

    private void Send(ScriptNode node, ImmutableArray<RaftMessage> messages)
    {
        foreach (RaftMessage message in messages)
        {
            _safety.CheckSent(node, message);
            Say($"  send {ScriptPrinter.Message(message)}");
            Network.Add(message);
        }
    }

    // Checks at every step; shows only where a reader would look for it, after the action that caused the change.
    private void NoteState(ScriptNode node, bool isShown)
    {
        _safety.CheckState(node, Nodes.Values);
        if (!isShown) { return; }
        string state = $"{node.Core.Role} term={node.Core.Term}";
        if (node.Core.Role != Role.Leader) { state += $" leader={node.Core.Leader}"; }
        if (_shownState.GetValueOrDefault(node.Id) != state) { Say($"  is {state}"); }
        _shownState[node.Id] = state;
        NoteMembership(node);
    }

    private void NoteMembership(ScriptNode node)
    {
        Membership membership = node.Core.Membership;
        if (!membership.Equals(_shownMembership[node.Id])) { Say($"  has {ScriptPrinter.Membership(membership)}"); }
        _shownMembership[node.Id] = membership;
    }
}
