using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Quorate.Conformance.Tests.Differential;

/// <summary>A field that one server answers otherwise than the other.</summary>
/// <param name="Group">The case's group.</param>
/// <param name="Case">The case's name.</param>
/// <param name="Door">Where.</param>
/// <param name="Step">The request.</param>
/// <param name="Field">Its path in the answer.</param>
/// <param name="Etcd">etcd's value; null if it has no such field.</param>
/// <param name="Ours">Ours; null if we have none.</param>
internal sealed record Difference(string Group, string Case, Door Door, Step Step, string Field, string? Etcd, string? Ours)
{
    /// <summary>All fields that differ; one difference if the one refused what the other did.</summary>
    public static IEnumerable<Difference> Between(CaseGroup group, string name, Door door, Step step, Answer etcd, Answer ours) =>
        etcd.Refusal is null != ours.Refusal is null
        ? [new Difference(group.Name, name, door, step, "answer", etcd.Refusal ?? etcd.Summary, ours.Refusal ?? ours.Summary)]
        : etcd.Fields.Keys.Union(ours.Fields.Keys).Order(StringComparer.Ordinal)
            .Select(field => new Difference(
                group.Name, name, door, step, field, etcd.Fields.GetValueOrDefault(field), ours.Fields.GetValueOrDefault(field)))
            .Where(static difference => difference.Etcd != difference.Ours);
}

/// <summary>Why answers differ, and on purpose.</summary>
/// <param name="Where">Matches <c>group/case/door field</c>.</param>
/// <param name="Reason">For the table: what etcd does since when, or what we do better.</param>
internal sealed record KnownDifference(Regex Where, string Reason)
{
    public bool Covers(Difference difference) =>
        Where.IsMatch($"{difference.Group}/{difference.Case}/{difference.Door} {difference.Field}".ToLowerInvariant());
}
