using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// The comparison of replicas that was begun last. Record: kind u8 (0C); format u8 (1) | entry varuint | way to hash varuint | n varuint,
/// n voters: replica u64 | n varuint, n reports: replica u64, generation varuint, hash u64.
/// </summary>
/// <remarks>
/// Beginning one overwrites all of it, whatever was there: a replica whose record is wrong, or that did not know of the one before, is
/// right again. So it is no part of what is compared: a state keeps its hash as long as nobody writes.
/// </remarks>
internal sealed class CheckBook : IStateChecks
{
    /// <summary>First byte of its record's key.</summary>
    public const byte Kind = 0x0C;

    private const byte RecordFormat = 1;
    private const int LeastReportBytes = 17;

    /// <summary>Most reports of one comparison; a group has a few members.</summary>
    private const int MostReports = 64;

    /// <inheritdoc/>
    public StateCheck? Last { get; private set; }

    /// <inheritdoc/>
    public int Format => KvStateHash.Format;

    /// <inheritdoc/>
    public IStateHasher NewHasher() => new KvStateHash();

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Begin() => Encoded(new KvCommand.CheckBegin(Format));

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Report(LogIndex at, StateReport report) => Encoded(new KvCommand.CheckReport(at, report));

    /// <summary>Reads what it keeps in memory. A record that cannot be read is as good as none: the next comparison replaces it.</summary>
    public void Open(IStoreReader store)
    {
        Last = null;
        if (!store.TryGet([Kind], out ReadOnlySpan<byte> record)) { return; }
        var reader = new ByteReader(record);
        byte format = reader.U8();
        var at = new LogIndex(reader.VarUInt());
        int hashFormat = reader.Count(int.MaxValue);
        var voters = new ReplicaId[reader.Count(reader.Remaining / 8)];
        for (int i = 0; i < voters.Length; i++) { voters[i] = new(reader.U64()); }
        var reports = new StateReport[reader.Count(reader.Remaining / LeastReportBytes)];
        for (int i = 0; i < reports.Length; i++) { reports[i] = Read(ref reader); }
        if (reader.AtEnd && format == RecordFormat) { Last = new(at, hashFormat, [.. voters], [.. reports]); }
    }

    /// <summary>Begins a comparison, in place of the one before.</summary>
    public void Begin(KvCommand.CheckBegin begin, in CommittedCommand command, IStoreWriter store) =>
        Set(new(command.Index, begin.HashFormat, [.. command.Voters.Select(static voter => voter.Replica)], []), store);

    /// <summary>Adds a report.</summary>
    /// <returns>True if it was the one with which nobody can tell any more who is wrong.</returns>
    public bool Add(KvCommand.CheckReport command, IStoreWriter store)
    {
        StateReport report = command.Report;
        if (Last is not { } last || last.At != command.At || last.Has(report.Replica) || last.Reports.Length == MostReports) { return false; }
        Set(last with { Reports = last.Reports.Add(report) }, store);
        return Last.IsUndecided && last.Voters.Contains(report.Replica);
    }

    internal static void Write(ByteWriter writer, in StateReport report)
    {
        writer.U64(report.Replica.Value);
        writer.VarUInt((ulong)report.Generation);
        writer.U64(report.Hash);
    }

    internal static StateReport Read(ref ByteReader reader) => new(new(reader.U64()), reader.Count(int.MaxValue), reader.U64());

    private void Set(StateCheck check, IStoreWriter store)
    {
        var record = new ByteWriter(128);
        record.U8(RecordFormat);
        record.VarUInt(check.At.Value);
        record.VarUInt((ulong)check.Format);
        record.VarUInt((ulong)check.Voters.Length);
        foreach (ReplicaId voter in check.Voters) { record.U64(voter.Value); }
        record.VarUInt((ulong)check.Reports.Length);
        foreach (StateReport report in check.Reports) { Write(record, report); }
        store.Put([Kind], record.Written);
        Last = check;
    }

    private static ReadOnlyMemory<byte> Encoded(KvCommand command)
    {
        var writer = new ByteWriter(64);
        command.Encode(writer);
        return writer.ToArray();
    }
}
