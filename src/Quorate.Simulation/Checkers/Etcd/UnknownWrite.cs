namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>A change that may have happened, at most once: a write without an answer, or the end of a lease.</summary>
/// <param name="invoked">Since when it may have.</param>
internal abstract class UnknownWrite(long invoked)
{
    /// <summary>Since when it may have happened.</summary>
    public long Invoked { get; } = invoked;

    /// <summary>The one revision that it can only have made, as somebody saw; 0 if nothing tells.</summary>
    public long Revision { get; set; }

    /// <summary>True if it may set the key, to the value unless that is null.</summary>
    public abstract bool MayPut(string key, string? value);

    /// <summary>True if it may delete the key.</summary>
    public abstract bool MayDelete(string key);

    /// <summary>Everything that it may set.</summary>
    public abstract IEnumerable<(string Key, string Value)> Puts();

    /// <summary>Everything that it may delete.</summary>
    public abstract IEnumerable<KeySpan> Deletes();

    /// <summary>A put, delete or transaction that was not answered.</summary>
    public sealed class Request(EtcdOperation operation) : UnknownWrite(operation.Invoked)
    {
        /// <summary>The operation.</summary>
        public EtcdOperation Operation { get; } = operation;

        public override bool MayPut(string key, string? value) => Effects.Puts(Operation.Request).Any(p => p.Key == key && (value is null || p.Value == value));

        public override bool MayDelete(string key) => Effects.Deletes(Operation.Request).Any(d => d.Contains(key));

        public override IEnumerable<(string Key, string Value)> Puts() => Effects.Puts(Operation.Request);

        public override IEnumerable<KeySpan> Deletes() => Effects.Deletes(Operation.Request);
    }

    /// <summary>The end of a lease, which deletes at one revision all keys that hang on it. A lease id ends once in a history.</summary>
    public sealed class LeaseEnd(long lease, long invoked) : UnknownWrite(invoked)
    {
        private readonly HashSet<string> _keys = [];

        /// <summary>The lease.</summary>
        public long Lease { get; } = lease;

        /// <summary>Notes that the key may hang on it.</summary>
        public void Attach(string key) => _keys.Add(key);

        public override bool MayPut(string key, string? value) => false;

        public override bool MayDelete(string key) => _keys.Contains(key);

        public override IEnumerable<(string Key, string Value)> Puts() => [];

        public override IEnumerable<KeySpan> Deletes() => _keys.Select(k => new KeySpan(k, null));
    }
}

/// <summary>What a request could change, whichever way its conditions turn out.</summary>
internal static class Effects
{
    /// <summary>The puts in it, in order.</summary>
    public static IEnumerable<EtcdRequest.Put> AllPuts(EtcdRequest request) => request switch
    {
        EtcdRequest.Put put => [put],
        EtcdRequest.Txn txn => txn.Success.Concat(txn.Failure).SelectMany(AllPuts),
        _ => [],
    };

    /// <summary>What it could set.</summary>
    public static IEnumerable<(string Key, string Value)> Puts(EtcdRequest request) => AllPuts(request).Select(p => (p.Key, p.Value));

    /// <summary>What it could delete.</summary>
    public static IEnumerable<KeySpan> Deletes(EtcdRequest request) => request switch
    {
        EtcdRequest.Delete delete => [delete.Span],
        EtcdRequest.Txn txn => txn.Success.Concat(txn.Failure).SelectMany(Deletes),
        _ => [],
    };

    /// <summary>All changes of unknown outcome that a history may hold.</summary>
    public static UnknownWrite[] Unknown(EtcdOperation[] operations)
    {
        var leases = new SortedDictionary<long, UnknownWrite.LeaseEnd>();
        foreach (EtcdOperation operation in operations.OrderBy(o => o.Invoked))
        {
            if (operation.Source.Outcome == HistoryOutcome.Failed) { continue; }
            foreach (EtcdRequest.Put put in AllPuts(operation.Request).Where(p => p.Lease != 0))
            {
                if (!leases.TryGetValue(put.Lease, out UnknownWrite.LeaseEnd? lease))
                {
                    leases.Add(put.Lease, lease = new UnknownWrite.LeaseEnd(put.Lease, operation.Invoked));
                }

                lease.Attach(put.Key);
            }
        }

        return [.. operations.Where(o => o.IsUnknownWrite).Select(o => new UnknownWrite.Request(o)), .. leases.Values];
    }
}
