using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Applies commands about members to their records.</summary>
internal static class MemberBook
{
    /// <summary>Applies one; a refusal has changed nothing.</summary>
    /// <returns>Why it was refused, and the id to answer.</returns>
    public static (KvRefusal Refusal, ulong Id) Apply(KvCommand command, IStoreWriter store)
    {
        switch (command)
        {
            case KvCommand.MemberAdd { Id: 0 } or KvCommand.MemberPromote { Refusal: KvRefusal.NotJudged }
                or KvCommand.MemberRemove { Refusal: KvRefusal.NotJudged }:
                // No leader has judged it, so Raft's membership does not change with it.
                return (KvRefusal.Malformed, 0);
            case KvCommand.MemberAdd add:
                if (add.Refusal == KvRefusal.None) { MemberStore.Write(store, new MemberRecord(add.Id, "", add.PeerUrls, [])); }
                return (add.Refusal, add.Id);
            case KvCommand.MemberPromote promote:
                return (promote.Refusal, promote.Id);
            case KvCommand.MemberRemove remove:
                if (remove.Refusal == KvRefusal.None) { MemberStore.Remove(store, remove.Id); }
                return (remove.Refusal, remove.Id);
            case KvCommand.MemberUpdate update:
                return (Update(update, store), update.Id);
            case KvCommand.MemberPublish publish:
                if (MemberStore.Find(store, publish.Id) is not { } member) { return (KvRefusal.MemberNotFound, 0); }
                MemberStore.Write(store, member with { Name = publish.Name, ClientUrls = publish.ClientUrls });
                return (KvRefusal.None, publish.Id);
            case KvCommand.MemberSeed seed:
                foreach (MemberRecord founder in seed.Members)
                {
                    bool isKnown = MemberStore.Find(store, founder.Id) is not null || MemberStore.IsRemoved(store, founder.Id);
                    if (!isKnown && !HasUrlOfOther(store, founder.PeerUrls, founder.Id)) { MemberStore.Write(store, founder); }
                }

                return (KvRefusal.None, 0);
            default:
                throw Invariant.Unreachable(command);
        }
    }

    /// <summary>True if a member other than this one has one of the peer URLs.</summary>
    public static bool HasUrlOfOther(IStoreReader store, ImmutableArray<string> urls, ulong id)
    {
        foreach (MemberRecord member in MemberStore.ReadAll(store))
        {
            if (member.Id != id && member.PeerUrls.Any(url => urls.Contains(url))) { return true; }
        }

        return false;
    }

    private static KvRefusal Update(KvCommand.MemberUpdate update, IStoreWriter store)
    {
        if (MemberStore.Find(store, update.Id) is not { } member) { return KvRefusal.MemberNotFound; }
        if (HasUrlOfOther(store, update.PeerUrls, update.Id)) { return KvRefusal.PeerUrlExists; }
        MemberStore.Write(store, member with { PeerUrls = update.PeerUrls });
        return KvRefusal.None;
    }
}
