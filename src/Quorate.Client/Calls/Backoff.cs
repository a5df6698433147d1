namespace Quorate.Client;

/// <summary>Pauses between attempts: they grow, and differ between clients.</summary>
internal struct Backoff
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(25); // As clientv3's.
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(1);

    private int _count;

    public TimeSpan Next()
    {
        TimeSpan pause = First * (1 << Math.Min(_count++, 10));
        return (pause < Most ? pause : Most) * (0.5 + (Random.Shared.NextDouble() / 2));
    }

    public void Reset() => _count = 0;
}
