using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>
/// Writes a dump of a view, frame by frame, in bounded memory: all versions that can be read, or the changes after a revision, and what
/// else belongs to a keyspace (leases, users) as of the view.
/// </summary>
/// <remarks>
/// Records are those of the store. Left out is what can be derived (the index of changes, agenda, attachments), and what belongs to
/// a cluster and not to its keys (alarms, members). One thread at a time, as long as the view lives.
/// </remarks>
public sealed class KvDumpWriter : IDisposable
{
    // A frame ends after the record that reaches this.
    private const int FrameBytes = 64 * 1024;

    private readonly IStoreReader _view;
    private readonly ICursor _versions;
    private readonly ICursor _others;
    private readonly KvCompactionFilter _visible;
    private byte[] _versionKey = new byte[256];
    private Stage _stage;
    private ulong _number;
    private ulong _records;
    private long _bytes;

    private KvDumpWriter(IStoreReader view, KvDumpHeader header)
    {
        _view = view;
        Header = header;
        _visible = new KvCompactionFilter(header.Compacted);
        Span<byte> from = stackalloc byte[ChangeKeys.Length];
        ChangeKeys.Write(header.Since + 1, sub: 0, from);
        _versions = header.IsIncrement ? view.OpenCursor(from, ChangeKeys.AfterAll) : view.OpenCursor([VersionKeys.Kind], VersionKeys.AfterAll);
        _others = view.OpenCursor([ChangeKeys.Kind + 1], default);
    }

    private enum Stage
    {
        Header,
        Versions,
        Others,
        Padding,
        Done,
    }

    /// <summary>What the dump says of itself.</summary>
    public KvDumpHeader Header { get; }

    /// <summary>Begins a dump.</summary>
    /// <param name="view">The state. Kept until this is disposed.</param>
    /// <param name="cluster">Goes into the header.</param>
    /// <param name="since">0: everything. Else the changes after this revision.</param>
    /// <param name="program">Goes into the header.</param>
    /// <param name="writer">The dump, unless refused.</param>
    /// <returns>A refusal if changes after that revision are given up already, or if the revision does not exist yet.</returns>
    public static KvRefusal Begin(IReadView view, ulong cluster, long since, string program, out KvDumpWriter? writer)
    {
        writer = null;
        KvMeta meta = KvMeta.Read(view);
        if (since > meta.Current) { return KvRefusal.FutureRevision; }
        if (since > 0 && since + 1 < KvQueries.DroppedBelow(view)) { return KvRefusal.Compacted; }
        writer = new KvDumpWriter(view, new KvDumpHeader(cluster, Math.Max(0, since), meta.Current, meta.Compacted, program));
        return KvRefusal.None;
    }

    /// <summary>How long a dump will be, in bytes; writes it to nowhere.</summary>
    public static long Measure(IReadView view, KvDumpHeader header)
    {
        using var writer = new KvDumpWriter(view, header);
        var output = new ByteWriter(2 * FrameBytes);
        long bytes = 0;
        while (writer.MoveNext(output))
        {
            bytes += output.Length;
            output.Clear();
        }

        return bytes;
    }

    /// <summary>Appends the next piece of the dump: a frame, or at the end the padding. False if there is none any more.</summary>
    public bool MoveNext(ByteWriter output)
    {
        if (_stage == Stage.Done) { return false; }
        int before = output.Length;
        if (_stage == Stage.Padding)
        {
            int start = KvDumpFrame.Begin(output, KvDumpFrame.EndKind);
            output.VarUInt(_records);
            KvDumpFrame.End(output, start, _number++);
            long over = (_bytes + output.Length - before) % KvDumpFrame.BlockBytes;
            if (over > 0) { output.Reserve((int)(KvDumpFrame.BlockBytes - over)).Clear(); }
            _stage = Stage.Done;
        }
        else if (_stage == Stage.Header)
        {
            int start = KvDumpFrame.Begin(output, KvDumpFrame.HeaderKind);
            output.U8(KvDumpFrame.Format);
            Header.Write(output);
            KvDumpFrame.End(output, start, _number++);
            _stage = _versions.SeekFirst() ? Stage.Versions : Others();
        }
        else
        {
            WriteRecords(output);
        }

        _bytes += output.Length - before;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _versions.Dispose();
        _others.Dispose();
    }

    private Stage Others() => _others.SeekFirst() ? Stage.Others : Stage.Padding;

    private void WriteRecords(ByteWriter output)
    {
        int start = KvDumpFrame.Begin(output, KvDumpFrame.RecordsKind);
        while (output.Length - start < FrameBytes && _stage is Stage.Versions or Stage.Others)
        {
            if (_stage == Stage.Others)
            {
                if (!KvDumpRecords.IsLeftOut(_others.Key)) { Write(output, _others.Key, _others.Value); }
                if (!_others.Next()) { _stage = Stage.Padding; }
                continue;
            }

            if (Header.IsIncrement) { WriteChange(output); }
            else if (_visible.Keep(_versions.Key, _versions.Value, isBottommost: true)) { Write(output, _versions.Key, _versions.Value); }
            if (!_versions.Next()) { _stage = Others(); }
        }

        KvDumpFrame.End(output, start, _number++);
    }

    private void WriteChange(ByteWriter output)
    {
        ReadOnlySpan<byte> escaped = _versions.Value;
        int length = VersionKeys.LengthOf(escaped);
        if (_versionKey.Length < length) { _versionKey = new byte[length * 2]; }
        Span<byte> key = _versionKey.AsSpan(0, length);
        int prefix = VersionKeys.WritePrefixOf(escaped, key);
        VersionKeys.WriteSuffix(ChangeKeys.Revision(_versions.Key), ChangeKeys.Sub(_versions.Key), key[prefix..]);
        bool found = _view.TryGet(key, out ReadOnlySpan<byte> value);
        Invariant.Holds(found, $"revision {ChangeKeys.Revision(_versions.Key)} changed a key, and there is no such version");
        Write(output, key, value);
    }

    private void Write(ByteWriter output, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        output.Bytes(key);
        output.Bytes(value);
        _records++;
    }
}
