using Quorate.Core;
using Quorate.Raft;

namespace Quorate.Replication;

/// <summary>Commands: from a client's request to an entry, and from a committed entry to the reply.</summary>
internal sealed partial class Replica
{
    private readonly PendingRequests _pending = new();
    private readonly Queue<ProposeRequest> _unsent = [];
    private readonly Queue<(QueuedCommand Command, NodeId Origin)> _queue = [];
    private readonly List<QueuedCommand> _chunk = [];
    private readonly SessionTable _sessions = new();
    private readonly Queue<LogIndex> _appliedRecords = [];
    private readonly Queue<(LogIndex Index, long Bytes)> _logMarks = [];
    private readonly ByteWriter _entry = new();
    private readonly ByteWriter _reply = new();
    private readonly ByteWriter _replies = new();
    private readonly ByteWriter _record = new();
    private readonly List<(ProposeRequest Request, int Start, int Length)> _applied = [];
    private HybridTime _lastStamp;
    private long _queueBytes;
    private long _markBytes;
    private uint _recordCount;
    private bool _isRemoved;

    /// <summary>Takes a client's command; it is completed in any case, by its deadline at the latest.</summary>
    public void Propose(ProposeRequest request)
    {
        RequestOutcome? refusal = Refusal(request.Command, IsTooMuch(_pending.Bytes, request.Command.Length));
        if (refusal is null && Buggify("too-busy")) { refusal = RequestOutcome.TooBusy; }
        if (refusal is { } outcome)
        {
            if (outcome == RequestOutcome.TooBusy) { Probes.TooBusy.Hit(); }
            request.Complete(outcome, default);
            return;
        }

        request.FirstIndex = _engine.Applied.Index;
        request.DeadlineTick = Now + Config.RequestTicks;
        _pending.Add(request);
        Queue(request);
        MarkDirty();
    }

    /// <summary>Takes commands that another node forwards to this one as the leader.</summary>
    public void Forwarded(NodeId origin, List<QueuedCommand> commands)
    {
        foreach (QueuedCommand command in commands)
        {
            bool isRefused = Refusal(command.Command, IsTooMuch(_queueBytes, 0)) is not null || Buggify("refuse-forwarded");
            if (isRefused || _raft.Role != Role.Leader) { _refused.Add((origin, command.Sequence)); }
            else
            {
                // The frame's buffer is the connection's; the command waits longer than that.
                Enqueue(command with { Command = command.Command.ToArray() }, origin);
            }
        }

        MarkDirty();
    }

    // Why a command is not taken now, here or from another node; null if it is. Machines look at a command only if there is need.
    private RequestOutcome? Refusal(ReadOnlyMemory<byte> command, bool isTooMuch)
    {
        if (!isTooMuch && !_engine.IsOverloaded && !_node.DiskNearlyFull) { return null; }
        CommandUrgency urgency = _machine.UrgencyOf(command.Span);
        if (_node.DiskNearlyFull && urgency == CommandUrgency.Ordinary) { return RequestOutcome.NoSpace; }
        bool isTaken = urgency == CommandUrgency.MovesDeadline ? !HasNoRoom : !isTooMuch && !_engine.IsOverloaded;
        return isTaken ? null : RequestOutcome.TooBusy;
    }

    // Not even a command that moves a deadline is taken, so time must not pass either: see TickClock. It asks for no length, since
    // the clock cannot know the next one's.
    private bool HasNoRoom => _pending.Bytes > Config.MaxWaitingBytes || _queueBytes > Config.MaxWaitingBytes;

    private readonly List<(NodeId Origin, ulong Sequence)> _refused = [];

    /// <summary>The node we forwarded these to does not lead, or has no room: after a heartbeat they go out again.</summary>
    public void ForwardRefused(List<ulong> sequences)
    {
        foreach (ulong sequence in sequences)
        {
            if (_pending.Find(sequence) is { } request)
            {
                Probes.ForwardRefused.Hit();
                request.SentTick = Now - ResendTicks + Config.Raft.HeartbeatTicks;
            }
        }
    }

    private int ResendTicks => 2 * Config.Raft.ElectionTicks;

    private void Queue(ProposeRequest request)
    {
        if (request.IsQueued) { return; }
        request.IsQueued = true;
        _unsent.Enqueue(request);
    }

    private void Enqueue(in QueuedCommand command, NodeId origin, bool isOrdinary = false)
    {
        bool changesMembers = !isOrdinary && _machine.ChangesMembers(command.Command.Span);
        (changesMembers ? _memberQueue : _queue).Enqueue((command, origin));
        _queueBytes += command.Command.Length;
    }

    // Whoever leads gets the commands: we ourselves, or the leader we know. Without one they wait.
    private void FeedCommands()
    {
        if (_raft.Role == Role.Leader) { ProposeQueued(); }
        else { GiveBackQueue(); }
        if (_raft.Role != Role.Leader) { ForwardUnsent(); }
        SendRefusals();
    }

    private void ProposeQueued()
    {
        while (_unsent.TryDequeue(out ProposeRequest? request))
        {
            request.IsQueued = false;
            if (_pending.Find(request.Sequence) != request) { continue; }
            request.WasSent = true;
            request.SentTick = long.MaxValue / 2; // It is in our own log; only a change of leader can lose it.
            Enqueue(new(_node.Session, request.Sequence, request.FirstIndex, request.Command), NodeId.None);
        }

        BeginTerm();
        ProposeMembers();
        while ((_queue.Count > 0 || _wantsEntry) && _slowedRoom > 0)
        {
            int count = 0;
            long bytes = 0;
            long limit = Buggify("one-command-per-entry") ? 0 : Config.MaxEntryBytes;
            foreach ((QueuedCommand command, _) in _queue)
            {
                bytes += command.Command.Length + EntryPayload.CommandOverhead;
                if (count > 0 && bytes > limit) { break; }
                count++;
            }

            HybridTime stamp = _lastStamp.Advance(_node.UnixMilliseconds);
            // What waits here came before the timer, so that may not overtake it into an earlier entry.
            bool isLast = count == _queue.Count;
            _entry.Clear();
            (long elapsed, long due) = TimeToTell(withTimer: isLast);
            EntryPayload.Begin(_entry, stamp, elapsed, due, count);
            int left = count;
            foreach ((QueuedCommand command, _) in _queue)
            {
                if (left-- == 0) { break; }
                EntryPayload.Add(_entry, command);
            }

            ProposeOutcome outcome = _raft.Propose(_entry.ToArray(), out LogPosition position);
            if (outcome == ProposeOutcome.TooMuchUncommitted) { return; }
            if (outcome != ProposeOutcome.Appended)
            {
                GiveBackQueue();
                return;
            }

            NoteProposed(_entry.Length);

            _lastStamp = stamp;
            TimeTold(position.Index, withTimer: isLast);
            if (isLast && _isRefusalQueued) { (_isRefusalQueued, _refusedAt) = (false, position.Index); }
            for (int i = 0; i < count; i++) { _queueBytes -= _queue.Dequeue().Command.Command.Length; }
        }
    }

    private void GiveBackQueue()
    {
        while (_queue.TryDequeue(out (QueuedCommand Command, NodeId Origin) queued) || _memberQueue.TryDequeue(out queued))
        {
            if (queued.Origin != NodeId.None)
            {
                _refused.Add((queued.Origin, queued.Command.Sequence));
            }
            else if (_pending.Find(queued.Command.Sequence) is { } request)
            {
                request.SentTick = Now - ResendTicks + Config.Raft.HeartbeatTicks;
            }
        }

        _queueBytes = 0;
        _isRefusalQueued = false;
    }

    private void ForwardUnsent()
    {
        NodeId leader = PlaceOf(_raft.Leader);
        if (_unsent.Count == 0 || leader == NodeId.None || leader == Config.Node) { return; }
        _chunk.Clear();
        long bytes = 0;
        while (bytes < Config.MaxEntryBytes && _unsent.TryDequeue(out ProposeRequest? request))
        {
            bytes += request.Command.Length;
            request.IsQueued = false;
            if (_pending.Find(request.Sequence) != request) { continue; }
            request.WasSent = true;
            request.SentTick = Now;
            _chunk.Add(new(_node.Session, request.Sequence, request.FirstIndex, request.Command));
        }

        if (_unsent.Count > 0) { MarkDirty(); }
        if (_chunk.Count > 0)
        {
            PeerFrame.AddForward(FrameTo(leader), Shard, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_chunk));
        }
    }

    private void SendRefusals()
    {
        for (int i = 0; i < _refused.Count;)
        {
            NodeId origin = _refused[i].Origin;
            var sequences = new List<ulong>();
            for (; i < _refused.Count && _refused[i].Origin == origin; i++) { sequences.Add(_refused[i].Sequence); }
            PeerFrame.AddForwardRefused(
                FrameTo(origin), Shard, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sequences));
        }

        _refused.Clear();
    }

    // What was sent to the old leader may be lost with it, and may not: it is sent again, and takes effect once.
    private void LeaderChanged()
    {
        if (_raft.Leader.IsNone) { return; }
        _pending.ForEach(request =>
        {
            if (request.WasSent) { Queue(request); }
        });
        RetryReads();
        MarkDirty();
    }

    private void TickRequests()
    {
        while (_pending.Oldest is { } oldest && oldest.DeadlineTick <= Now)
        {
            _pending.Take(oldest.Sequence);
            oldest.Complete(oldest.WasSent ? RequestOutcome.Unknown : RequestOutcome.NoLeader, default);
        }

        if (Now % Config.Raft.HeartbeatTicks != 0) { return; }
        _pending.ForEach(request =>
        {
            if (request.WasSent && (Now - request.SentTick >= ResendTicks || Buggify("send-again"))) { Queue(request); }
        });
    }

    /// <summary>Applies committed entries until the budget of bytes is used up or none is left.</summary>
    public void ApplySlice(long budget)
    {
        LogPosition position = default;
        if (Buggify("apply-one-entry")) { budget = 1; }
        while (budget > 0 && _committed.TryDequeue(out LogEntry entry))
        {
            Invariant.Holds(
                entry.Index == (position == default ? _engine.Applied.Index : position.Index).Next,
                $"entry {entry.Index} comes after {_engine.Applied.Index}, {position}");
            budget -= 64 + entry.Payload.Length;
            _markBytes += 64 + entry.Payload.Length;
            if (_markBytes >= Math.Min(256 * 1024, Config.LogRetainBytes / 4))
            {
                _logMarks.Enqueue((entry.Index, _markBytes));
                _markBytes = 0;
            }

            switch (entry.Kind)
            {
                case EntryKind.Empty: NoteTermBegins(entry.Term); break;
                case EntryKind.Command: ApplyCommands(entry); break;
                case EntryKind.Membership:
                    if (position != default) { Publish(position); }
                    ApplyMembership(entry);
                    break;
                default: throw Invariant.Unreachable(entry.Kind);
            }

            position = entry.Position;
            if (IsCheckBegunAt(entry.Index))
            {
                // A view shows what is published: all replicas must hash the state at this very entry.
                Publish(position);
                position = default;
                BeginHash();
            }
        }

        if (position != default) { Publish(position); }
        if (_engine.Applied.Index - LogIndex.Max(_engine.Flushed.Index, _flushAskedFor) > Config.FlushEntries || Buggify("flush-early")) { RequestFlush(); }
        if (Buggify("compact-all")) { _engine.RequestCompaction(); }
        StartEngineJobs();
        MarkDirty();
    }

    /// <summary>Asks for a flush of all that is applied. At most one at a time.</summary>
    public void RequestFlush()
    {
        if (_flushAskedFor > _engine.Flushed.Index) { return; }
        _flushAskedFor = _engine.Applied.Index;
        _engine.RequestFlush();
        StartEngineJobs();
    }

    private void Publish(LogPosition position)
    {
        _machine.Finish(_engine);
        _engine.Publish(position);
        _raft.Applied(position.Index);
        PublishKeyspaces();
        ReclaimIfWorthIt();

        // Only now: who is told of a write must find it in the next view.
        foreach ((ProposeRequest request, int start, int length) in _applied)
        {
            request.Complete(RequestOutcome.Done, _replies.Written.Slice(start, length));
        }

        _applied.Clear();
        _replies.Clear();
        ServeReads();
        _node.Published(Shard);
    }

    private void PublishKeyspaces()
    {
        if (Shard == Config.MetaShard) { _node.KeyspacesPublished(_machine.Keyspaces, _engine.Applied.Index); }
    }

    private void ApplyCommands(in LogEntry entry)
    {
        var reader = new EntryPayload.Reader(entry.Payload.Span);
        SetClock(_clock + reader.Elapsed);
        BeginRecord(reader.Stamp);
        while (reader.TryNext(out ulong session, out ulong sequence, out LogIndex firstIndex, out ReadOnlySpan<byte> command))
        {
            bool isOurs = session == _node.Session;
            if (entry.Index.Value > firstIndex.Value + (ulong)Config.DedupeEntries)
            {
                // Nobody can tell any more whether an earlier entry has applied it.
                Probes.TooOld.Hit();
                if (isOurs) { _pending.Take(sequence)?.Complete(RequestOutcome.Unknown, default); }
                continue;
            }

            if (_sessions.Contains(session, sequence))
            {
                Probes.Retried.Hit();
                if (isOurs) { CompleteFromRecord(sequence, firstIndex); }
                continue;
            }

            ApplyCommand(entry.Index, reader.Stamp, session, sequence, command);
        }

        if (reader.Due > 0) { _machine.ApplyTimer(entry.Index, reader.Due, _engine); }
        NoteStampApplied(reader.Stamp);
        EndRecord(entry.Index);
    }

    private void ApplyCommand(LogIndex index, HybridTime stamp, ulong session, ulong sequence, ReadOnlySpan<byte> command)
    {
        _reply.Clear();
        _machine.Apply(new(index, stamp, command, _clock, Voters), _engine, _reply);
        _sessions.Add(session, sequence, index);
        WriteAppliedCommand(session, sequence);
        _recordCount++;
        if (session == _node.Session && _pending.Take(sequence) is { } request)
        {
            _applied.Add((request, _replies.Length, _reply.Length));
            _replies.Raw(_reply.Written);
        }
    }

    private void BeginRecord(HybridTime stamp)
    {
        _record.Clear();
        _record.U64(stamp.Value);
        _record.U32(0);
        _recordCount = 0;
    }

    private void EndRecord(LogIndex index)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(_record.Patch(8, 4), _recordCount);
        _record.VarUInt((ulong)_clock);
        Span<byte> key = stackalloc byte[16];
        _engine.Put(HostRecords.AppliedKey(index, key), _record.Written);
        _appliedRecords.Enqueue(index);
        while (_appliedRecords.TryPeek(out LogIndex old) && index - old > Config.DedupeEntries)
        {
            _appliedRecords.Dequeue();
            _engine.Delete(HostRecords.AppliedKey(old, key));
        }

        if (index.Value % 1024 == 0 && index.Value > (ulong)Config.DedupeEntries)
        {
            _sessions.ForgetThrough(new(index.Value - (ulong)Config.DedupeEntries));
        }
    }

    // A record of an entry: stamp u64 | count u32 | commands: session u64 | sequence varint | reply length + 1 varint, 0 if too long | reply.
    // Then the shard's clock varint, which records of earlier versions lack.
    private void WriteAppliedCommand(ulong session, ulong sequence)
    {
        _record.U64(session);
        _record.VarUInt(sequence);
        bool isKept = _reply.Length <= HostRecords.MaxRememberedReply;
        _record.VarUInt(isKept ? (ulong)_reply.Length + 1 : 0);
        if (isKept) { _record.Raw(_reply.Written); }
    }

    private void ReadAppliedRecords()
    {
        _sessions.Clear();
        _appliedRecords.Clear();
        SetClock(0);
        using ICursor cursor = _engine.OpenCursor(HostRecords.AppliedLower, HostRecords.AppliedUpper);
        for (bool more = cursor.SeekFirst(); more; more = cursor.Next())
        {
            LogIndex index = HostRecords.AppliedIndexOf(cursor.Key);
            _appliedRecords.Enqueue(index);
            var reader = new ByteReader(cursor.Value);
            NoteStampApplied(new(reader.U64()));
            for (uint left = reader.U32(); left > 0 && !reader.Failed; left--)
            {
                ulong session = reader.U64();
                ulong sequence = reader.VarUInt();
                ulong length = reader.VarUInt();
                if (length > 0) { reader.Raw((int)length - 1); }
                if (!reader.Failed) { _sessions.Add(session, sequence, index); }
            }

            if (reader.Remaining > 0) { SetClock((long)reader.VarUInt()); }
            if (!reader.AtEnd) { throw new CorruptFileException(Directory, 0, $"the record of entry {index} is malformed"); }
        }
    }

    // The entry that applied our command was not applied here one by one: it came in a snapshot.
    private void CompleteFromRecord(ulong wanted, LogIndex firstIndex)
    {
        if (_pending.Find(wanted) is null) { return; }
        Span<byte> from = stackalloc byte[16];
        using ICursor cursor = _engine.OpenCursor(HostRecords.AppliedKey(firstIndex, from), HostRecords.AppliedUpper);
        for (bool more = cursor.SeekFirst(); more; more = cursor.Next())
        {
            var reader = new ByteReader(cursor.Value);
            reader.U64();
            for (uint left = reader.U32(); left > 0; left--)
            {
                bool isOurs = reader.U64() == _node.Session;
                ulong sequence = reader.VarUInt();
                ulong length = reader.VarUInt();
                ReadOnlySpan<byte> reply = length > 0 ? reader.Raw((int)length - 1) : default;
                if (!isOurs || sequence != wanted) { continue; }
                Probes.ReplyFromRecord.Hit();
                _pending.Take(wanted)?.Complete(length > 0 ? RequestOutcome.Done : RequestOutcome.Unknown, reply);
                return;
            }
        }

        _pending.Take(wanted)?.Complete(RequestOutcome.Unknown, default);
    }

    private void NoteStamp(in LogEntry entry)
    {
        if (entry.Kind == EntryKind.Command) { NoteStampApplied(EntryPayload.StampOf(entry.Payload.Span)); }
    }

    private void NoteStampApplied(HybridTime stamp)
    {
        if (stamp.CompareTo(_lastStamp) > 0) { _lastStamp = stamp; }
    }

    private void CompleteAllAtClose()
    {
        while (_pending.Oldest is { } request)
        {
            _pending.Take(request.Sequence);
            request.Complete(request.WasSent ? RequestOutcome.Unknown : RequestOutcome.Stopping, default);
        }

        foreach (HandOverRequest request in _handOvers) { request.Complete(isDone: false); }
        _handOvers.Clear();
        CompleteReadsAtClose();
    }
}
