namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>What a client heard from the store.</summary>
/// <param name="Revision">The header's: the revision that was made, or the newest one when nothing was. 0 in a transaction's parts.</param>
internal abstract record EtcdResponse(long Revision)
{
    /// <summary>True if it says that something was changed.</summary>
    public virtual bool Wrote => false;

    /// <summary>To a put.</summary>
    public sealed record Put(long Revision, EtcdKv? Prev) : EtcdResponse(Revision)
    {
        public override bool Wrote => true;

        public override string ToString() => $"revision {Revision}";
    }

    /// <summary>To a delete. <paramref name="Prevs"/> is null if not asked for.</summary>
    public sealed record Delete(long Revision, long Deleted, EtcdKv[]? Prevs) : EtcdResponse(Revision)
    {
        public override bool Wrote => Deleted > 0;

        public override string ToString() => $"deleted {Deleted}, revision {Revision}";
    }

    /// <summary>To a range. <paramref name="Count"/> is -1 and <paramref name="More"/> null if the recorder left them out.</summary>
    public sealed record Range(long Revision, EtcdKv[] Kvs, long Count, bool? More) : EtcdResponse(Revision)
    {
        public override string ToString() => $"[{EtcdKv.Listed(Kvs)}] at revision {Revision}";
    }

    /// <summary>To a transaction: an answer for each operation of the list that was taken.</summary>
    public sealed record Txn(long Revision, bool Succeeded, EtcdResponse[] Parts) : EtcdResponse(Revision)
    {
        public override bool Wrote => Parts.Any(p => p.Wrote);

        public override string ToString() => $"{(Succeeded ? "then" : "else")}, revision {Revision}";
    }

    /// <summary>To a compaction.</summary>
    public sealed record Compact(long Revision) : EtcdResponse(Revision)
    {
        public override string ToString() => $"revision {Revision}";
    }

    /// <summary>A watch was opened, at this revision if it is above 0.</summary>
    public sealed record Watch(long Revision) : EtcdResponse(Revision)
    {
        public override string ToString() => $"revision {Revision}";
    }

    /// <summary>A watch was told of changes, or, without any, that all up to the revision have been told.</summary>
    public sealed record WatchNext(long Revision, EtcdEvent[] Events, bool IsProgress) : EtcdResponse(Revision)
    {
        public override string ToString() => IsProgress ? $"progress {Revision}" : string.Join(", ", Events.Take(5).Select(e => e.ToString()));
    }
}

/// <summary>A version of a key as a client saw it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; null if only keys were asked for.</param>
/// <param name="Create">Revision of the put that created the key.</param>
/// <param name="Mod">Revision of the last put.</param>
/// <param name="Version">Puts since creation.</param>
/// <param name="Lease">The lease, 0 for none; -1 if the recorder left it out.</param>
internal sealed record EtcdKv(string Key, string? Value, long Create, long Mod, long Version, long Lease)
{
    public override string ToString() => $"{Key} = {Value ?? "?"} (create {Create}, mod {Mod}, version {Version})";

    /// <summary>The first few of a list.</summary>
    public static string Listed(EtcdKv[] kvs) =>
        string.Join(", ", kvs.Take(5).Select(k => $"{k.Key} = {k.Value ?? "?"} (mod {k.Mod})")) + (kvs.Length > 5 ? $", ... ({kvs.Length})" : "");
}

/// <summary>A change as a watch told it; of a deletion only the key and <see cref="EtcdKv.Mod"/> count.</summary>
internal sealed record EtcdEvent(bool IsPut, EtcdKv Kv, EtcdKv? Prev)
{
    public override string ToString() => IsPut ? $"put {Kv}" : $"delete {Kv.Key} (revision {Kv.Mod})";
}
