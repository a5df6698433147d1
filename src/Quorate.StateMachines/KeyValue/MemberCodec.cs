using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>The bodies of commands about members; DESIGN.md has them.</summary>
internal static class MemberCodec
{
    private const int MaxSeeds = 64;

    public static void Write(ByteWriter writer, KvCommand command)
    {
        switch (command)
        {
            case KvCommand.MemberAdd add:
                writer.U8((byte)KvCommand.Kind.MemberAdd);
                writer.Bool(add.IsLearner);
                writer.U64(add.Id);
                writer.U8((byte)add.Refusal);
                WriteTexts(writer, add.PeerUrls);
                break;
            case KvCommand.MemberPromote promote:
                WriteJudged(writer, KvCommand.Kind.MemberPromote, promote.Id, promote.Refusal);
                break;
            case KvCommand.MemberRemove remove:
                WriteJudged(writer, KvCommand.Kind.MemberRemove, remove.Id, remove.Refusal);
                break;
            case KvCommand.MemberUpdate update:
                writer.U8((byte)KvCommand.Kind.MemberUpdate);
                writer.U64(update.Id);
                WriteTexts(writer, update.PeerUrls);
                break;
            case KvCommand.MemberPublish publish:
                writer.U8((byte)KvCommand.Kind.MemberPublish);
                writer.U64(publish.Id);
                writer.Text(publish.Name);
                WriteTexts(writer, publish.ClientUrls);
                break;
            case KvCommand.MemberSeed seed:
                writer.U8((byte)KvCommand.Kind.MemberSeed);
                writer.VarUInt((ulong)seed.Members.Length);
                foreach (MemberRecord member in seed.Members)
                {
                    writer.U64(member.Id);
                    writer.Text(member.Name);
                    WriteTexts(writer, member.PeerUrls);
                }

                break;
            default:
                throw Invariant.Unreachable(command);
        }
    }

    // Null or a reader that failed: malformed.
    public static KvCommand? Read(KvCommand.Kind kind, ref ByteReader reader)
    {
        switch (kind)
        {
            case KvCommand.Kind.MemberAdd:
                bool isLearner = reader.Bool();
                ulong id = reader.U64();
                var refusal = (KvRefusal)reader.U8();
                return new KvCommand.MemberAdd(isLearner, ReadTexts(ref reader)) { Id = id, Refusal = refusal };
            case KvCommand.Kind.MemberPromote:
                return new KvCommand.MemberPromote(reader.U64(), (KvRefusal)reader.U8());
            case KvCommand.Kind.MemberRemove:
                return new KvCommand.MemberRemove(reader.U64(), (KvRefusal)reader.U8());
            case KvCommand.Kind.MemberUpdate:
                return new KvCommand.MemberUpdate(reader.U64(), ReadTexts(ref reader));
            case KvCommand.Kind.MemberPublish:
                return new KvCommand.MemberPublish(reader.U64(), reader.Text(), ReadTexts(ref reader));
            case KvCommand.Kind.MemberSeed:
                ImmutableArray<MemberRecord>.Builder members = ImmutableArray.CreateBuilder<MemberRecord>();
                for (int left = reader.Count(MaxSeeds); left > 0 && !reader.Failed; left--)
                {
                    members.Add(new MemberRecord(reader.U64(), reader.Text(), ReadTexts(ref reader), []));
                }

                return new KvCommand.MemberSeed(members.DrainToImmutable());
            default:
                return null;
        }
    }

    public static void WriteTexts(ByteWriter writer, ImmutableArray<string> texts)
    {
        writer.VarUInt((ulong)texts.Length);
        foreach (string text in texts) { writer.Text(text); }
    }

    public static ImmutableArray<string> ReadTexts(ref ByteReader reader)
    {
        ImmutableArray<string>.Builder texts = ImmutableArray.CreateBuilder<string>();
        for (int left = reader.Count(MemberRecord.MaxUrls); left > 0 && !reader.Failed; left--) { texts.Add(reader.Text()); }
        return texts.DrainToImmutable();
    }

    private static void WriteJudged(ByteWriter writer, KvCommand.Kind kind, ulong id, KvRefusal refusal)
    {
        writer.U8((byte)kind);
        writer.U64(id);
        writer.U8((byte)refusal);
    }
}
