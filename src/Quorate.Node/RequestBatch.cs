namespace Quorate.Node;

/// <summary>What a door tells of the request that it makes on this thread.</summary>
public static class RequestBatch
{
    [ThreadStatic]
    private static bool _hasMore;

    /// <summary>
    /// True while the door has further requests at hand. Then a thread that brings one does not run the sleeping loop in its place (a lone client's
    /// way, which saves two wake-ups): it wakes the loop and brings the next, and all of them become one batch.
    /// </summary>
    public static bool HasMore
    {
        get => _hasMore;
        set => _hasMore = value;
    }
}
