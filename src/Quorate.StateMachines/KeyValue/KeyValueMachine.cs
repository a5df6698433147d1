using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// etcd's key-value store: every write makes one revision, and every revision since the compacted one can be read. Commands are
/// <see cref="KvCommand"/>, replies <see cref="KvReply"/>; reads that need no log are <see cref="KvQueries"/>.
/// </summary>
/// <remarks>All state is in the store; in memory it keeps the two revisions and buffers. DESIGN.md has the layout.</remarks>
public sealed class KeyValueMachine : IStateMachine
{
    private readonly VersionWriter _writer = new();
    private readonly LeaseBook _leases = new();
    private readonly AuthBook _auth = new();
    private readonly AlarmBook _alarms = new();
    private readonly CheckBook _checks = new();
    private readonly KeyspaceBook _keyspaces = new();
    private KvMeta? _meta;
    private bool _isMetaWritten = true;

    private KvMeta Meta
    {
        get
        {
            Invariant.Holds(_meta is not null, $"the machine was not opened");
            return _meta.Value;
        }
    }

    /// <inheritdoc/>
    public void Open(IStoreReader store)
    {
        _meta = KvMeta.Read(store);
        _isMetaWritten = true;
        _writer.Forget();
        _leases.Open(store);
        _auth.Open(store);
        _alarms.Open(store);
        _checks.Open(store);
        _keyspaces.Open(store);
    }

    /// <inheritdoc/>
    public void Apply(in CommittedCommand command, IStoreWriter store, ByteWriter reply)
    {
        _writer.Start(store, Meta.Current);
        ReadOnlySpan<byte> payload = KvCommand.Unwrap(command.Payload, out KvCaller caller);
        if (KvCommand.TryReadPut(payload, out KvCommand.PutFields put))
        {
            KvRefusal denied = _auth.IsEnabled ? _auth.Check(store, caller, put) : KvRefusal.None;
            if (denied == KvRefusal.None) { ApplyPut(put, store, reply); }
            else { Refuse(reply, denied); }
        }
        else if (KvCommand.TryDecode(payload.ToArray(), out KvCommand? decoded))
        {
            KvRefusal denied = _auth.IsEnabled ? _auth.Check(store, caller, decoded) : KvRefusal.None;
            if (denied == KvRefusal.None) { Apply(decoded, command, store, reply); }
            else { Refuse(reply, denied); }
        }
        else
        {
            Refuse(reply, KvRefusal.Malformed);
        }

        if (_writer.HasChanged) { SetMeta(Meta with { Current = _writer.Revision }); }
    }

    /// <inheritdoc/>
    public CommandUrgency UrgencyOf(ReadOnlySpan<byte> command) => KvCommand.KindOf(command) switch
    {
        KvCommand.Kind.LeaseRenew => CommandUrgency.MovesDeadline,
        KvCommand.Kind.LeaseRevoke or KvCommand.Kind.DeleteRange or KvCommand.Kind.Compact or KvCommand.Kind.Alarm
            or KvCommand.Kind.KeyspaceDelete => CommandUrgency.FreesSpace,
        KvCommand.Kind.Txn when KvCommand.TryDecode(KvCommand.Unwrap(command, out _).ToArray(), out KvCommand? txn) && txn is KvCommand.Txn { HasPut: false }
            => CommandUrgency.FreesSpace,
        _ => CommandUrgency.Ordinary,
    };

    /// <inheritdoc/>
    public KeyspaceList Keyspaces => _keyspaces.List;

    /// <inheritdoc/>
    public bool ChangesMembers(ReadOnlySpan<byte> command) =>
        KvCommand.KindOf(command) is KvCommand.Kind.MemberAdd or KvCommand.Kind.MemberPromote or KvCommand.Kind.MemberRemove;

    /// <inheritdoc/>
    public MemberVerdict? JudgeMembers(
        ReadOnlySpan<byte> command, ImmutableArray<MemberFact> members, NodeId fresh, IStoreReader store)
    {
        ReadOnlySpan<byte> payload = KvCommand.Unwrap(command, out KvCaller caller);
        return KvCommand.TryDecode(payload.ToArray(), out KvCommand? decoded)
            ? MemberJudge.Judge(decoded, _auth.Check(store, caller, KvNeeds.Root), members, fresh, store)
            : null;
    }

    /// <inheritdoc/>
    public long? NextDeadline => _leases.NextDeadline is { } lease && _auth.NextDeadline is { } token
        ? Math.Min(lease, token)
        : _leases.NextDeadline ?? _auth.NextDeadline;

    /// <inheritdoc/>
    public void ApplyTimer(LogIndex index, long due, IStoreWriter store)
    {
        _auth.EndDue(due, store);
        _leases.EndDue(due, store, id =>
        {
            _writer.Start(store, Meta.Current);
            LeaseBook.Revoke(id, _writer, store);
            if (_writer.HasChanged) { SetMeta(Meta with { Current = _writer.Revision }); }
            return _writer.Changes;
        });
    }

    /// <inheritdoc/>
    public void Finish(IStoreWriter store)
    {
        if (_isMetaWritten) { return; }
        Meta.Write(store);
        _isMetaWritten = true;
    }

    /// <inheritdoc/>
    public int FilterPrefixLength(ReadOnlySpan<byte> key) =>
        VersionKeys.IsVersion(key) ? key.Length - VersionKeys.SuffixBytes
        : ChangeKeys.IsChange(key) ? 1 // Never looked up: all of them together are one entry of a filter.
        : key.Length;

    /// <inheritdoc/>
    public ICompactionFilter? CreateCompactionFilter(IStoreReader store)
    {
        // The least revision of a version is 2.
        long compacted = KvMeta.Read(store).Compacted;
        return compacted < 2 ? null : new KvCompactionFilter(compacted);
    }

    /// <inheritdoc/>
    /// <remarks>Each compacted revision leaves at least one change to be dropped.</remarks>
    public long Forgotten => Math.Max(0, Meta.Compacted);

    /// <inheritdoc/>
    public IStateChecks Checks => _checks;

    /// <inheritdoc/>
    public ulong HashState(IStoreReader store) => KvStateHash.Compute(store);

    private void Apply(KvCommand decoded, in CommittedCommand command, IStoreWriter store, ByteWriter reply)
    {
        KvRefusal refusal = _alarms.RefusalOf(decoded);
        if (refusal != KvRefusal.None)
        {
            Refuse(reply, refusal);
            return;
        }

        switch (decoded)
        {
            case KvCommand.DeleteRange delete:
                ApplyDeleteRange(delete, reply);
                break;
            case KvCommand.Range range:
                ApplyRange(range, store, reply);
                break;
            case KvCommand.Txn txn:
                new TxnRun(store, Meta, _writer).Run(txn, reply);
                break;
            case KvCommand.Compact compact:
                ApplyCompact(compact, reply);
                break;
            case KvCommand.LeaseGrant grant:
                ApplyGrant(grant, command, store, reply);
                break;
            case KvCommand.LeaseRevoke revoke:
                if (LeaseBook.Revoke(revoke.Id, _writer, store)) { new KvReply.LeaseRevoke(_writer.Revision).Encode(reply); }
                else { Refuse(reply, KvRefusal.LeaseNotFound); }
                break;
            case KvCommand.LeaseRenew renew:
                new KvReply.LeaseRenew(Meta.Current, LeaseBook.Renew(renew.Id, command.Clock, store)).Encode(reply);
                break;
            case KvCommand.Auth auth:
                refusal = _auth.Apply(auth, command.Clock, store);
                if (refusal == KvRefusal.None) { new KvReply.AuthDone(Meta.Current).Encode(reply); }
                else { Refuse(reply, refusal); }
                break;
            case KvCommand.Alarm alarm:
                new KvReply.Alarm(Meta.Current, _alarms.Apply(alarm, store)).Encode(reply);
                break;
            case KvCommand.CheckBegin begin:
                _checks.Begin(begin, command, store);
                new KvReply.CheckNoted(Meta.Current).Encode(reply);
                break;
            case KvCommand.CheckReport report:
                // etcd's way to say that it does not know whom: the alarm of no member.
                if (_checks.Add(report, store)) { _alarms.Apply(new(Raise: true, Member: 0, KvAlarmType.Corrupt), store); }
                new KvReply.CheckNoted(Meta.Current).Encode(reply);
                break;
            case KvCommand.KeyspaceCreate create:
                Answer(_keyspaces.Create(create, command.Voters, store, out Keyspace? created), created, reply);
                break;
            case KvCommand.KeyspaceUpdate update:
                Answer(_keyspaces.Update(update, store, out Keyspace? updated), updated, reply);
                break;
            case KvCommand.KeyspaceDelete gone:
                Answer(_keyspaces.Delete(gone, store, out Keyspace? deleted), deleted, reply);
                break;
            case KvCommand.MemberAdd or KvCommand.MemberPromote or KvCommand.MemberRemove or KvCommand.MemberUpdate
                or KvCommand.MemberPublish or KvCommand.MemberSeed:
                (refusal, ulong member) = MemberBook.Apply(decoded, store);
                if (refusal == KvRefusal.None) { new KvReply.Member(Meta.Current, member).Encode(reply); }
                else { Refuse(reply, refusal); }
                break;
            default:
                throw Invariant.Unreachable(decoded);
        }
    }

    private void ApplyGrant(KvCommand.LeaseGrant grant, in CommittedCommand command, IStoreWriter store, ByteWriter reply)
    {
        KvRefusal refusal = RequestChecks.CheckFields(grant, maxTxnOps: 0);
        LeaseRecord lease = default;
        if (refusal == KvRefusal.None) { refusal = _leases.Grant(grant, command, store, out lease); }
        if (refusal == KvRefusal.None) { new KvReply.LeaseGrant(Meta.Current, lease.Id, lease.Seconds).Encode(reply); }
        else { Refuse(reply, refusal); }
    }

    private void ApplyPut(scoped in KvCommand.PutFields put, IStoreWriter store, ByteWriter reply)
    {
        KvRefusal refusal = _alarms.RefusalOfPut;
        if (refusal == KvRefusal.None) { refusal = RequestChecks.Check(put); }
        bool hasLease = put.Lease == 0 || LeaseStore.Exists(store, put.Lease);
        if (refusal == KvRefusal.None && !hasLease) { refusal = KvRefusal.LeaseNotFound; }
        if (refusal == KvRefusal.None)
        {
            int start = reply.Length;
            reply.U8(KvReply.Format);
            refusal = _writer.TryPut(put, reply);
            if (refusal == KvRefusal.None) { return; }
            reply.Truncate(start);
        }

        Refuse(reply, refusal);
    }

    private void ApplyDeleteRange(KvCommand.DeleteRange delete, ByteWriter reply)
    {
        KvRefusal refusal = RequestChecks.CheckFields(delete, maxTxnOps: 0);
        if (refusal != KvRefusal.None)
        {
            Refuse(reply, refusal);
            return;
        }

        reply.U8(KvReply.Format);
        _writer.DeleteRange(delete, reply);
    }

    private void ApplyRange(KvCommand.Range range, IStoreWriter store, ByteWriter reply)
    {
        KvRefusal refusal = RequestChecks.Check(range.Query);
        RangeResult result = refusal == KvRefusal.None
            ? RangeReader.Read(store, range.Query, Meta.Current, Meta.Compacted)
            : default;
        if (refusal == KvRefusal.None) { refusal = result.Refusal; }
        if (refusal != KvRefusal.None)
        {
            Refuse(reply, refusal);
            return;
        }

        reply.U8(KvReply.Format);
        KvReply.WriteRange(reply, result);
    }

    private void ApplyCompact(KvCommand.Compact compact, ByteWriter reply)
    {
        if (compact.Revision <= Meta.Compacted)
        {
            Refuse(reply, KvRefusal.Compacted);
        }
        else if (compact.Revision > Meta.Current)
        {
            Refuse(reply, KvRefusal.FutureRevision);
        }
        else
        {
            SetMeta(Meta with { Compacted = compact.Revision });
            new KvReply.Compact(Meta.Current).Encode(reply);
        }
    }

    private void Answer(KvRefusal refusal, Keyspace? keyspace, ByteWriter reply)
    {
        if (refusal == KvRefusal.None) { new KvReply.Keyspace(Meta.Current, keyspace!.Shard.Value, keyspace.QuotaBytes).Encode(reply); }
        else { Refuse(reply, refusal); }
    }

    private void Refuse(ByteWriter reply, KvRefusal refusal) => KvReply.EncodeRefused(reply, Meta.Current, refusal);

    private void SetMeta(KvMeta meta)
    {
        _meta = meta;
        _isMetaWritten = false;
    }
}
