namespace Quorate.Doctor;

/// <summary>How bad a finding is.</summary>
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, and may not some day.</summary>
    Warning,

    /// <summary>A server does not start with it, or does badly.</summary>
    Problem,
}

/// <summary>What one check found.</summary>
/// <param name="Check">Its name, stable.</param>
/// <param name="Verdict">How bad it is.</param>
/// <param name="What">What was seen.</param>
/// <param name="Why">Why it matters. Empty if all is well.</param>
/// <param name="Next">What to do. Empty if all is well.</param>
internal sealed record Finding(string Check, Verdict Verdict, string What, string Why = "", string Next = "")
{
    public static Finding Ok(string check, string what) => new(check, Verdict.Ok, what);

    public static Finding Warning(string check, string what, string why, string next) => new(check, Verdict.Warning, what, why, next);

    public static Finding Problem(string check, string what, string why, string next) => new(check, Verdict.Problem, what, why, next);
}
