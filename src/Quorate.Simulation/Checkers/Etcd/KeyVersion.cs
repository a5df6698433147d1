namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>A key from one revision on: a version of it, or its absence.</summary>
internal sealed class KeyVersion
{
    /// <summary>Since which revision.</summary>
    public required long Since { get; init; }

    /// <summary>False if there is no such key from then on.</summary>
    public required bool IsPresent { get; init; }

    /// <summary>Who made it; null at the start, and if nobody knows.</summary>
    public EtcdOperation? By { get; init; }

    /// <summary>The value; null while nobody knows.</summary>
    public string? Value { get; private set; }

    /// <summary>The revision of creation; 0 while nobody knows, since an unanswered write may have come before.</summary>
    public long Create { get; private set; }

    /// <summary>Puts since creation; 0 while nobody knows.</summary>
    public long Version { get; private set; }

    /// <summary>The lease; -1 while nobody knows.</summary>
    public long Lease { get; private set; }

    /// <summary>The key is not there.</summary>
    public static KeyVersion Absent(long since, EtcdOperation? by) => new() { Since = since, IsPresent = false, By = by };

    /// <summary>A put at a revision.</summary>
    /// <param name="since">The revision.</param>
    /// <param name="value">The value, if it is known.</param>
    /// <param name="lease">The lease, or -1.</param>
    /// <param name="before">What the key was before; null if nobody knows.</param>
    /// <param name="by">Who put it, if that is known.</param>
    public static KeyVersion Put(long since, string? value, long lease, KeyVersion? before, EtcdOperation? by) => new()
    {
        Since = since,
        IsPresent = true,
        By = by,
        Value = value,
        Lease = lease,
        Create = before is null ? 0 : before.IsPresent ? before.Create : since,
        Version = before is null ? 0 : !before.IsPresent ? 1 : before.Version == 0 ? 0 : before.Version + 1,
    };

    /// <summary>Compares with what somebody saw of this version, and learns from it what was not known.</summary>
    /// <returns>What differs, in words; null if nothing.</returns>
    public string? Differs(EtcdKv seen)
    {
        if (seen.Value is not null && Value is not null && seen.Value != Value) { return $"the value {seen.Value} instead of {Value}"; }
        if (Create != 0 && seen.Create != Create) { return $"create revision {seen.Create} instead of {Create}"; }
        if (Version != 0 && seen.Version != Version) { return $"version {seen.Version} instead of {Version}"; }
        if (Lease >= 0 && seen.Lease >= 0 && seen.Lease != Lease) { return $"lease {seen.Lease} instead of {Lease}"; }
        if ((seen.Version == 1) != (seen.Create == seen.Mod) || seen.Create > seen.Mod || seen.Version < 1)
        {
            return $"version {seen.Version} with create revision {seen.Create}, which do not fit together";
        }

        Value ??= seen.Value;
        Create = seen.Create;
        Version = seen.Version;
        if (Lease < 0) { Lease = seen.Lease; }
        return null;
    }
}
