namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>What a client asked of the store. The members and their defaults are etcd's; see <see cref="EtcdModel"/>.</summary>
internal abstract record EtcdRequest
{
    /// <summary>True if it could change the store: a put, a delete, a transaction that has one in either list.</summary>
    public virtual bool MayWrite => false;

    /// <summary>Sets a key.</summary>
    public sealed record Put(string Key, string Value, long Lease, bool PrevKv) : EtcdRequest
    {
        public override bool MayWrite => true;

        public override string ToString() => $"put {Key} = {Value}";
    }

    /// <summary>Deletes keys; makes a revision only if one was there.</summary>
    public sealed record Delete(KeySpan Span, bool PrevKv) : EtcdRequest
    {
        public override bool MayWrite => true;

        public override string ToString() => $"delete {Span}";
    }

    /// <summary>Reads keys, at a revision of the past if <paramref name="Revision"/> is above 0.</summary>
    public sealed record Range(KeySpan Span, long Limit, long Revision, bool Serializable, bool CountOnly, bool KeysOnly) : EtcdRequest
    {
        public override string ToString() => $"range {Span}" + (Limit > 0 ? $" limit {Limit}" : "")
            + (Revision > 0 ? $" at revision {Revision}" : "") + (Serializable ? " serializable" : "");
    }

    /// <summary>Runs one list or the other, at one revision.</summary>
    public sealed record Txn(Compare[] Compares, EtcdRequest[] Success, EtcdRequest[] Failure) : EtcdRequest
    {
        public override bool MayWrite => Success.Any(o => o.MayWrite) || Failure.Any(o => o.MayWrite);

        /// <summary>True if a member may answer it from its own state: every operation, if any, is a serializable range.</summary>
        public bool IsSerializable => Success.Concat(Failure).All(o => o is Range { Serializable: true });

        public override string ToString() =>
            $"txn if ({string.Join(", ", Compares)}) then ({string.Join("; ", Success.AsEnumerable())}) else ({string.Join("; ", Failure.AsEnumerable())})";
    }

    /// <summary>Forgets revisions below one.</summary>
    public sealed record Compact(long Revision) : EtcdRequest
    {
        public override string ToString() => $"compact {Revision}";
    }

    /// <summary>Opens a watch. <paramref name="Start"/> 0: from the revision after the one that the answer names.</summary>
    public sealed record Watch(KeySpan Span, long Start, bool NoPut, bool NoDelete, bool PrevKv) : EtcdRequest
    {
        public override string ToString() => $"watch {Span}" + (Start > 0 ? $" from revision {Start}" : "");
    }

    /// <summary>Waits for the next response of the process's watch.</summary>
    public sealed record WatchNext : EtcdRequest
    {
        public override string ToString() => "watch-next";
    }

    /// <summary>A condition of a transaction: every key of the span satisfies it.</summary>
    /// <param name="Span">The keys.</param>
    /// <param name="Target">version, create, mod, value or lease.</param>
    /// <param name="Result">"=", "!=", "&gt;" or "&lt;".</param>
    /// <param name="Number">The operand, unless values are compared.</param>
    /// <param name="Value">The operand if values are compared.</param>
    public sealed record Compare(KeySpan Span, string Target, string Result, long Number, string Value)
    {
        /// <summary>True if there can be a version of a key for which it holds.</summary>
        public bool Holds(int order) => Result switch { "=" => order == 0, "!=" => order != 0, ">" => order > 0, _ => order < 0 };

        public override string ToString() => $"{Target} of {Span} {Result} {(Target == "value" ? Value : Number)}";
    }
}
