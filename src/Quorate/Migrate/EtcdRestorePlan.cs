using Quorate.Backup;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.StateMachines.KeyValue;

namespace Quorate.Migrate;

/// <summary>
/// From a snapshot of etcd: every version keeps its revision, so that clients' revisions and HashKV stay what they were. Leases get their whole
/// time again. Users and roles come along without passwords, which are hashed otherwise here, and users are not asked for.
/// </summary>
internal sealed record EtcdRestorePlan(string Path, bool SkipHash, bool HadAuth, int Users, long Revision, long Compacted)
    : RestorePlan(Revision, Compacted)
{
    /// <inheritdoc/>
    public override string? Advice => Users == 0 ? null
        : $"{Users} users and their roles were taken, without passwords; "
            + (HadAuth ? "AUTH WAS ON IN ETCD AND IS OFF HERE: before clients reach the members, " : "")
            + "set them with 'quorate user passwd', then 'quorate auth enable'.";

    /// <summary>Reads all of a snapshot, so that nothing is made of a damaged one.</summary>
    /// <exception cref="Cli.CliException">It does not have that revision.</exception>
    /// <exception cref="CorruptFileException">It is damaged.</exception>
    public static new EtcdRestorePlan Of(string path, long revision, bool skipHash)
    {
        using EtcdSnapshotFile file = Open(path, skipHash);
        try
        {
            long last = Math.Max(1, file.CompactRevision);
            foreach (EtcdVersionRecord version in file.Versions()) { last = Math.Max(last, version.Main); }
            _ = file.Leases().Count() + file.Roles().Count();
            if (revision == 0) { revision = last; }
            Demand(path, Math.Max(1, file.CompactRevision), last, revision);
            return new EtcdRestorePlan(path, skipHash, file.IsAuthEnabled, file.Users().Count(), revision, file.CompactRevision);
        }
        catch (BboltException e)
        {
            throw new CorruptFileException(path, 0, e.Message);
        }
    }

    /// <inheritdoc/>
    public override void Fill(KvImport import, Action pause)
    {
        using EtcdSnapshotFile file = Open(Path, skipHash: true); // Of() has compared it.
        foreach (EtcdVersionRecord version in file.Versions())
        {
            KeyValue kv = version.Record;
            import.Add(version.Main, checked((uint)version.Sub), kv.Key.Span, version.IsTombstone ? null : new KeyValueRecord(
                kv.Key.Memory, kv.Value.Memory, kv.CreateRevision, kv.ModRevision, kv.Version, kv.Lease));
            pause();
        }

        foreach (EtcdLeaseRecord lease in file.Leases())
        {
            import.AddLease(lease.Id, lease.Seconds);
            pause();
        }

        foreach (Role role in file.Roles())
        {
            import.AddRole(new KvRole(role.Name.ToStringUtf8(),
                [.. role.KeyPermission.Select(p => new KvPermission((KvPermissionType)p.PermType, p.Key.Memory, p.RangeEnd.Memory))]));
        }

        foreach (User user in file.Users())
        {
            import.AddUser(new KvUser(
                user.Name.ToStringUtf8(), default, HasPassword: user.Options is not { NoPassword: true }, PasswordRevision: 1,
                [.. user.Roles.Order(StringComparer.Ordinal)]));
        }
    }

    private static EtcdSnapshotFile Open(string path, bool skipHash)
    {
        try
        {
            return new EtcdSnapshotFile(path, skipHash);
        }
        catch (BboltException e)
        {
            throw new CorruptFileException(path, 0, e.Message);
        }
    }
}
