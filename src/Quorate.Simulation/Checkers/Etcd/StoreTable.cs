namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>A change of one key, as a watch must tell it.</summary>
/// <param name="Revision">Its revision.</param>
/// <param name="Key">The key.</param>
/// <param name="IsPut">False: a deletion.</param>
/// <param name="IsCertain">False if it may not have happened.</param>
/// <param name="After">The key since.</param>
/// <param name="Before">The key at the revision before; null if nobody knows.</param>
internal sealed record Change(long Revision, string Key, bool IsPut, bool IsCertain, KeyVersion After, KeyVersion? Before);

/// <summary>The store at one revision, moved on through the revisions, with what cannot be known marked as such.</summary>
internal sealed class StoreTable
{
    private readonly KeyVersion[] _versions;
    private readonly long[] _mayBePutAt;
    private readonly long[] _mayBeDeletedAt;
    private readonly long[] _putGapsFrom;
    private readonly long[] _deleteGapsFrom;
    private readonly List<Change> _changes = [];
    private long _lastOpenGap;

    /// <param name="keys">All keys of the history, sorted by code unit.</param>
    public StoreTable(string[] keys)
    {
        Keys = keys;
        _versions = [.. keys.Select(_ => KeyVersion.Absent(RevisionOrder.Empty, by: null))];
        _mayBePutAt = new long[keys.Length];
        _mayBeDeletedAt = new long[keys.Length];
        _putGapsFrom = [.. keys.Select(_ => long.MaxValue)];
        _deleteGapsFrom = [.. keys.Select(_ => long.MaxValue)];
    }

    /// <summary>All keys of the history, sorted.</summary>
    public string[] Keys { get; }

    /// <summary>All changes so far, in order of revision.</summary>
    public IReadOnlyList<Change> Changes => _changes;

    /// <summary>Says from which missing revision on an unanswered write may have set (or deleted) a key.</summary>
    public void MayChange(KeySpan span, long fromGap, bool isPut)
    {
        long[] from = isPut ? _putGapsFrom : _deleteGapsFrom;
        (int first, int end) = span.Among(Keys);
        for (int key = first; key < end; key++) { from[key] = Math.Min(from[key], fromGap); }
    }

    /// <summary>The newest version that is certain.</summary>
    public KeyVersion this[int key] => _versions[key];

    /// <summary>True if the key may have been set since its newest certain version.</summary>
    public bool MayBePut(int key) => IsOpen(key, _putGapsFrom) || _mayBePutAt[key] > _versions[key].Since;

    /// <summary>True if the key may have been deleted since its newest certain version.</summary>
    public bool MayBeDeleted(int key) => IsOpen(key, _deleteGapsFrom) || _mayBeDeletedAt[key] > _versions[key].Since;

    /// <summary>True if this revision, or a later one, may have set the key or not, and what it saw of it does not tell.</summary>
    public bool WasUnsureSince(int key, long revision) => _mayBePutAt[key] >= revision;

    /// <summary>What the key certainly is; null if nobody knows.</summary>
    public KeyVersion? Certain(int key) => MayBePut(key) || MayBeDeleted(key) ? null : _versions[key];

    /// <summary>True if there is such a key for certain.</summary>
    public bool IsThere(int key) => _versions[key].IsPresent && !MayBeDeleted(key);

    /// <summary>True if there may be such a key.</summary>
    public bool MayBeThere(int key) => _versions[key].IsPresent || MayBePut(key);

    /// <summary>Sets a key.</summary>
    public void Put(int key, long revision, string? value, long lease, EtcdOperation? by)
    {
        KeyVersion? before = Certain(key);
        var after = KeyVersion.Put(revision, value, lease, before, by);
        Note(new Change(revision, Keys[key], IsPut: true, IsCertain: true, after, BeforeRevision(key, revision, before)));
        _versions[key] = after;
    }

    /// <summary>Makes sure that a key is not there.</summary>
    public void Delete(int key, long revision, EtcdOperation? by)
    {
        if (!MayBeThere(key)) { return; }
        KeyVersion? before = Certain(key);
        var after = KeyVersion.Absent(revision, by);
        Note(new Change(revision, Keys[key], IsPut: false, IsCertain: IsThere(key), after, BeforeRevision(key, revision, before)));
        _versions[key] = after;
    }

    /// <summary>Says that a revision may have changed a key, or not.</summary>
    public void MarkUnsure(int key, long revision, bool mayBePut, bool mayBeDeleted)
    {
        if (mayBePut)
        {
            _mayBePutAt[key] = revision;
            Note(new Change(revision, Keys[key], IsPut: true, IsCertain: false, KeyVersion.Put(revision, null, lease: -1, null, null), null));
        }

        if (mayBeDeleted)
        {
            _mayBeDeletedAt[key] = revision;
            Note(new Change(revision, Keys[key], IsPut: false, IsCertain: false, KeyVersion.Absent(revision, null), null));
        }
    }

    /// <summary>Passes a missing revision whose maker nobody knows.</summary>
    public void PassOpenGap(long revision) => _lastOpenGap = revision;

    private bool IsOpen(int key, long[] gapsFrom) => _lastOpenGap > _versions[key].Since && _lastOpenGap >= gapsFrom[key];

    // A second change of the key within one transaction: a watch still tells what was before the transaction.
    private KeyVersion? BeforeRevision(int key, long revision, KeyVersion? before) =>
        _versions[key].Since == revision ? _changes.FindLast(c => c.Revision == revision && c.Key == Keys[key])?.Before : before;

    private void Note(Change change) => _changes.Add(change);
}
