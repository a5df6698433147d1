namespace Quorate.Simulation.Checkers;

/// <summary>
/// Permissions that come and go. A key is one user's right to one group of keys. <c>allow</c> and <c>forbid</c>, of one administrator, one at a time;
/// <c>write</c> one value, each once in a history; <c>look</c>; and <c>final</c> -> [[value, revision]..]: all writes that took effect.
/// </summary>
/// <remarks>
/// What tells is the store's own order: <c>forbid</c> is answered with a revision made after it was acknowledged, <c>allow</c> is asked with one made
/// before. A write between the two was applied while its user certainly had no right, whatever its client heard and whenever it had been sent. Reads
/// have no revision of their own, so there real time tells. <c>denied</c> in the answer of a write or look that failed: it was refused for want of the right.
/// </remarks>
internal sealed class UserModel : IModel
{
    public string Name => "users";

    public string About => "permissions: what is refused has no effect, and nothing gets through by what was certainly taken away";

    public Verdict Check(History history, CheckOptions options)
    {
        var findings = new Findings(history, options);
        var rights = history.Operations
            .GroupBy(operation => operation.Key ?? throw new HistoryException(operation.Invoke.Line, "\"key\" is missing; it names the user and what it is about."))
            .ToDictionary(group => group.Key, group => new UserRight(group.Key, [.. group]));
        foreach (UserRight right in rights.Values) { right.Check(findings); }
        return new Verdict
        {
            Model = Name,
            Operations = history.Operations.Count,
            Unknown = history.Unknown,
            Keys = rights.Count,
            Figures =
            [
                Values.Count(rights.Values.Sum(static right => right.Revocations), "certain revocation"),
                Values.Count(rights.Values.Sum(static right => right.Denials), "denial"),
            ],
            Violations = findings.All,
        };
    }
}
