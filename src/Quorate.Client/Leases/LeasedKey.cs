namespace Quorate.Client;

/// <summary>Keys whose name contains the id of the lease that they go with: nobody else makes one of that name.</summary>
internal static class LeasedKey
{
    /// <summary>Creates it, or finds that an attempt whose answer was lost has created it.</summary>
    /// <returns>The revision at which it was created.</returns>
    public static async Task<long> CreateAsync(KvClient kv, Blob key, Blob value, Lease lease, CancellationToken cancellationToken)
    {
        Txn txn = Txn.If(Compare.Missing(key)).Then(Op.Put(key, value, new PutOptions { LeaseId = lease.Id })).Else(Op.Get(key));
        TxnResult answer = TxnResult.Of(await kv.CommitAsync(txn.ToMessage(), Repeat.Idempotently, cancellationToken).ConfigureAwait(false));
        return answer.Succeeded ? answer.Revision : answer.Results[0].Get!.Items[0].CreateRevision;
    }
}
