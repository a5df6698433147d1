namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>Runs all changes again in the order of their revisions, and compares every answer with the store at its revision.</summary>
internal sealed class StoreReplay
{
    private readonly RevisionOrder _order;
    private readonly Sightings _sightings;
    private readonly StoreTable _table;
    private readonly AnswerRules _rules;
    private readonly PriorityQueue<(EtcdOperation By, EtcdRequest Request, EtcdResponse Response), (long, long)> _reads = new();

    /// <param name="order">The changes and the missing revisions; unique, and all explained.</param>
    /// <param name="sightings">What is known of the missing ones.</param>
    /// <param name="table">The empty store.</param>
    /// <param name="findings">Where to say what is wrong.</param>
    public StoreReplay(RevisionOrder order, Sightings sightings, StoreTable table, Findings findings)
    {
        _order = order;
        _sightings = sightings;
        _table = table;
        _rules = new AnswerRules(table, findings);
    }

    /// <summary>Replays; the table is at the last revision then.</summary>
    public void Run(EtcdOperation[] operations)
    {
        foreach (EtcdOperation operation in operations)
        {
            if (operation.Response is { } response) { Enqueue(operation, response); }
        }

        int gap = 0;
        foreach (EtcdOperation write in _order.Writes)
        {
            for (; gap < _order.Gaps.Count && _order.Gaps[gap] < write.Revision; gap++) { Pass(_order.Gaps[gap]); }
            CheckReadsBefore(write.Revision);
            Apply(write);
        }

        for (; gap < _order.Gaps.Count; gap++) { Pass(_order.Gaps[gap]); }
        CheckReadsBefore(long.MaxValue);
    }

    private void Enqueue(EtcdOperation operation, EtcdResponse response)
    {
        if (!operation.Wrote && operation.Request is (EtcdRequest.Range { Revision: 0 } or EtcdRequest.Txn or EtcdRequest.Delete))
        {
            _reads.Enqueue((operation, operation.Request, response), (operation.Revision, operation.Invoked));
        }

        // A transaction cannot read, as the past, the revision that it makes.
        EnqueuePast(operation, operation.Request, response, operation.Wrote ? operation.Revision - 1 : operation.Revision);
    }

    // What is read of the past is compared there, wherever it was asked.
    private void EnqueuePast(EtcdOperation by, EtcdRequest request, EtcdResponse response, long newest)
    {
        if (request is EtcdRequest.Range { Revision: > 0 } past)
        {
            if (_rules.CheckNotFuture(by, past, newest)) { _reads.Enqueue((by, request, response), (past.Revision, by.Invoked)); }
        }
        else if (response is EtcdResponse.Txn txn)
        {
            EtcdRequest[] taken = Taken((EtcdRequest.Txn)request, txn.Succeeded);
            for (int i = 0; i < taken.Length; i++) { EnqueuePast(by, taken[i], txn.Parts[i], newest); }
        }
    }

    private void CheckReadsBefore(long revision)
    {
        while (_reads.TryPeek(out (EtcdOperation By, EtcdRequest Request, EtcdResponse Response) read, out (long At, long) when) && when.At < revision)
        {
            _reads.Dequeue();
            if (read.Request is EtcdRequest.Txn txn) { _rules.CheckConditions(read.By, txn, (EtcdResponse.Txn)read.Response); }
            Run(read.By, read.Request, read.Response, when.At);
        }
    }

    private void Apply(EtcdOperation write)
    {
        if (write.Request is EtcdRequest.Txn txn) { _rules.CheckConditions(write, txn, (EtcdResponse.Txn)write.Response!); }
        Run(write, write.Request, write.Response!, write.Revision);
    }

    private void Run(EtcdOperation by, EtcdRequest request, EtcdResponse response, long revision)
    {
        switch (request)
        {
            case EtcdRequest.Put put:
                int key = Index(put.Key);
                if (put.PrevKv) { _rules.CheckPrevious(by, key, ((EtcdResponse.Put)response).Prev); }
                _table.Put(key, revision, put.Value, put.Lease, by);
                break;
            case EtcdRequest.Delete delete:
                _rules.CheckDelete(by, delete, (EtcdResponse.Delete)response);
                if (by.Wrote) { Delete(delete.Span, revision, by); }
                break;
            case EtcdRequest.Range range:
                _rules.CheckRange(by, range, (EtcdResponse.Range)response, revision);
                break;
            case EtcdRequest.Txn txn:
                EtcdResponse.Txn answer = (EtcdResponse.Txn)response;
                EtcdRequest[] taken = Taken(txn, answer.Succeeded);
                for (int i = 0; i < taken.Length; i++)
                {
                    if (taken[i] is not EtcdRequest.Range { Revision: > 0 }) { Run(by, taken[i], answer.Parts[i], revision); }
                }

                break;
            default:
                break;
        }
    }

    // A missing revision: what it did, as far as that can be known.
    private void Pass(long gap)
    {
        CheckReadsBefore(gap);
        IReadOnlyDictionary<string, Sighting> seen = _sightings.At(gap);
        switch (_sightings.MadeBy(gap))
        {
            case null:
                Show(gap, seen, by: null);
                _table.PassOpenGap(gap);
                break;
            case UnknownWrite.Request { Operation: { Request: EtcdRequest.Txn txn } operation }:
                bool? holds = _rules.Holds(txn);
                bool couldThen = CanHaveDone(txn.Success, seen);
                bool couldElse = CanHaveDone(txn.Failure, seen);
                if (holds is { } result && !(result ? couldThen : couldElse)) { _rules.AccuseBranch(operation, gap, result, seen.Values.First().By); }
                EtcdRequest[]? taken = holds is { } known ? Taken(txn, known) : couldThen == couldElse ? null : Taken(txn, couldThen);
                if (taken is null || taken.Any(t => t is EtcdRequest.Txn)) { ShowPartOf(operation.Request, gap, seen, operation); }
                else { RunUnanswered(taken, gap, operation); }
                break;
            case UnknownWrite.Request request:
                RunUnanswered([request.Operation.Request], gap, request.Operation);
                break;
            case UnknownWrite.LeaseEnd lease:
                Show(gap, seen, by: null);
                foreach (KeySpan key in lease.Deletes().Where(d => !seen.ContainsKey(d.Key)))
                {
                    _table.MarkUnsure(Index(key.Key), gap, mayBePut: false, mayBeDeleted: true);
                }

                break;
            default:
                break;
        }
    }

    private void RunUnanswered(EtcdRequest[] requests, long revision, EtcdOperation by)
    {
        foreach (EtcdRequest request in requests)
        {
            if (request is EtcdRequest.Put put) { _table.Put(Index(put.Key), revision, put.Value, put.Lease, by); }
            else if (request is EtcdRequest.Delete delete) { Delete(delete.Span, revision, by); }
        }
    }

    private void Show(long gap, IReadOnlyDictionary<string, Sighting> seen, EtcdOperation? by)
    {
        foreach ((string name, Sighting sighting) in seen)
        {
            int key = Index(name);
            if (sighting.IsBoth) { _table.MarkUnsure(key, gap, mayBePut: true, mayBeDeleted: true); }
            else if (sighting.Kv is { } kv) { _table.Put(key, gap, kv.Value, kv.Lease, by); }
            else { _table.Delete(key, gap, by); }
        }
    }

    private void ShowPartOf(EtcdRequest request, long gap, IReadOnlyDictionary<string, Sighting> seen, EtcdOperation by)
    {
        Show(gap, seen, by);
        var unsure = new SortedDictionary<string, (bool Put, bool Delete)>(StringComparer.Ordinal);
        foreach ((string key, string _) in Effects.Puts(request)) { unsure[key] = (Put: true, Delete: false); }
        foreach (KeySpan span in Effects.Deletes(request))
        {
            (int from, int to) = span.Among(_table.Keys);
            foreach (string key in _table.Keys[from..to]) { unsure[key] = (unsure.GetValueOrDefault(key).Put, Delete: true); }
        }

        foreach ((string key, (bool put, bool delete)) in unsure)
        {
            if (!seen.ContainsKey(key)) { _table.MarkUnsure(Index(key), gap, put, delete); }
        }
    }

    private void Delete(KeySpan span, long revision, EtcdOperation? by)
    {
        (int from, int to) = span.Among(_table.Keys);
        for (int key = from; key < to; key++) { _table.Delete(key, revision, by); }
    }

    private static bool CanHaveDone(EtcdRequest[] list, IReadOnlyDictionary<string, Sighting> seen)
    {
        var whole = new EtcdRequest.Txn([], list, []);
        return seen.All(s =>
            (s.Value.Kv is null || Effects.Puts(whole).Any(p => p.Key == s.Key && (s.Value.Kv.Value is null || p.Value == s.Value.Kv.Value)))
            && (s.Value.Kv is not null || Effects.Deletes(whole).Any(d => d.Contains(s.Key))));
    }

    private int Index(string key) => Array.BinarySearch(_table.Keys, key, StringComparer.Ordinal);

    private static EtcdRequest[] Taken(EtcdRequest.Txn txn, bool succeeded) => succeeded ? txn.Success : txn.Failure;
}
