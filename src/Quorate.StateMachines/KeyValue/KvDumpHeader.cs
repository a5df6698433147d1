using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>What a dump says of itself, first.</summary>
/// <param name="Cluster">The cluster it was taken from.</param>
/// <param name="Since">0: everything is in it. Else it has the changes after this revision.</param>
/// <param name="Revision">The state is as of this revision.</param>
/// <param name="Compacted">History before this revision was given up; -1: none was.</param>
/// <param name="Program">What wrote it, for people.</param>
public sealed record KvDumpHeader(ulong Cluster, long Since, long Revision, long Compacted, string Program)
{
    /// <summary>True if it needs others before it to be restored.</summary>
    public bool IsIncrement => Since > 0;

    internal void Write(ByteWriter writer)
    {
        writer.U64(Cluster);
        writer.VarInt(Since);
        writer.VarInt(Revision);
        writer.VarInt(Compacted);
        writer.Text(Program);
    }

    // Null if it is malformed.
    internal static KvDumpHeader? Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        var header = new KvDumpHeader(reader.U64(), reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.Text());
        return reader.AtEnd && header is { Since: >= 0, Revision: >= 1, Compacted: >= -1 } && header.Since <= header.Revision ? header : null;
    }
}
