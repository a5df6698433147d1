namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>All keys that a history names, so that a range of keys is a range of indexes.</summary>
internal static class HistoryKeys
{
    /// <summary>Sorted by code unit, each once.</summary>
    public static string[] Of(EtcdOperation[] operations)
    {
        var keys = new HashSet<string>();
        foreach (EtcdOperation operation in operations)
        {
            Add(operation.Request, keys);
            if (operation.Response is { } response) { Add(response, keys); }
        }

        string[] sorted = [.. keys];
        Array.Sort(sorted, StringComparer.Ordinal);
        return sorted;
    }

    private static void Add(EtcdRequest request, HashSet<string> keys)
    {
        switch (request)
        {
            case EtcdRequest.Put put:
                keys.Add(put.Key);
                break;
            case EtcdRequest.Txn txn:
                foreach (EtcdRequest inner in txn.Success) { Add(inner, keys); }
                foreach (EtcdRequest inner in txn.Failure) { Add(inner, keys); }
                break;
            default:
                break;
        }
    }

    private static void Add(EtcdResponse response, HashSet<string> keys)
    {
        switch (response)
        {
            case EtcdResponse.Put { Prev: { } prev }:
                keys.Add(prev.Key);
                break;
            case EtcdResponse.Delete { Prevs: { } prevs }:
                foreach (EtcdKv kv in prevs) { keys.Add(kv.Key); }
                break;
            case EtcdResponse.Range range:
                foreach (EtcdKv kv in range.Kvs) { keys.Add(kv.Key); }
                break;
            case EtcdResponse.Txn txn:
                foreach (EtcdResponse part in txn.Parts) { Add(part, keys); }
                break;
            case EtcdResponse.WatchNext watch:
                foreach (EtcdEvent e in watch.Events)
                {
                    keys.Add(e.Kv.Key);
                    if (e.Prev is not null) { keys.Add(e.Prev.Key); }
                }

                break;
            default:
                break;
        }
    }
}
