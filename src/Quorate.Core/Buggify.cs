namespace Quorate.Core;

/// <summary>
/// Makes rare but legal behaviour common in simulated runs: a queue that is full, a batch of one, a buffer that is sent late. A site
/// may only do what could happen anyway. In production there is no such object, so no site ever fires.
/// </summary>
/// <remarks>
/// Two levels, as in FoundationDB: a quarter of the sites are active in a run, and an active one fires in a quarter of its visits. If
/// all were always active, each would hide what the others lead to.
/// </remarks>
/// <param name="run">The run; decides which sites are active. The same for all nodes of a cluster.</param>
/// <param name="random">Decides when an active site fires.</param>
public sealed class Buggify(ulong run, Prng random)
{
    private bool _isOver;

    /// <summary>From now on no site fires: what is lost on purpose must not be mistaken for a system that does not recover.</summary>
    public void End() => _isOver = true;

    /// <summary>True if the site should misbehave now.</summary>
    /// <param name="site">Its name; kebab-case.</param>
    public bool Fires(string site)
    {
        if (_isOver) { return false; }
        ulong hash = run;
        foreach (char c in site) { hash = unchecked((hash ^ c) * 1099511628211); }
        return new Prng(hash).Chance(1, 4) && random.Chance(1, 4);
    }
}
