using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>
/// Puts many bugs into one file at once, each behind its number: methods that a bug changes get a branch for it. So a project is compiled
/// once, and turned into machine code once, for all its bugs.
/// </summary>
internal static class PlantedSwitch
{
    /// <summary>The type that says which bug is active on this thread; 0 for none.</summary>
    public const string TypeName = "PlantedSwitch";

    /// <summary>Its source, a part of each project.</summary>
    public const string Source = """
        public static class PlantedSwitch
        {
            [System.ThreadStatic]
            internal static int Active;

            public static void Set(int bug) => Active = bug;
        }
        """;

    /// <summary>The file with all of its bugs.</summary>
    /// <param name="original">The file as it is.</param>
    /// <param name="bugs">The file with one bug each, by the bug's number.</param>
    /// <exception cref="InvalidOperationException">A bug changes more than bodies of methods, constructors and properties.</exception>
    public static SyntaxNode Merge(SyntaxNode original, IEnumerable<(int Number, SyntaxNode Root)> bugs)
    {
        ImmutableArray<MemberDeclarationSyntax> members = MembersOf(original);
        var variants = new Dictionary<MemberDeclarationSyntax, List<(int Number, MemberDeclarationSyntax Member)>>();
        foreach ((int number, SyntaxNode root) in bugs)
        {
            ImmutableArray<MemberDeclarationSyntax> changed = MembersOf(root);
            if (changed.Length != members.Length) { throw new InvalidOperationException("it adds or removes a member"); }
            for (int i = 0; i < members.Length; i++)
            {
                if (changed[i].IsEquivalentTo(members[i])) { continue; }
                if (!variants.TryGetValue(members[i], out var known)) { variants.Add(members[i], known = []); }
                known.Add((number, changed[i]));
            }

            var rest = changed.Zip(members).ToDictionary(pair => (SyntaxNode)pair.First, pair => (SyntaxNode)pair.Second);
            bool isAll = root.ReplaceNodes(rest.Keys, (before, _) => rest[before]).IsEquivalentTo(original);
            if (!isAll) { throw new InvalidOperationException("it changes more than the bodies of methods"); }
        }

        return original.ReplaceNodes(variants.Keys, (member, _) => Switched(member, variants[member]));
    }

    private static ImmutableArray<MemberDeclarationSyntax> MembersOf(SyntaxNode root) =>
        [.. root.DescendantNodes().OfType<MemberDeclarationSyntax>().Where(member => member is BaseMethodDeclarationSyntax or PropertyDeclarationSyntax)];

    private static MemberDeclarationSyntax Switched(MemberDeclarationSyntax member, List<(int Number, MemberDeclarationSyntax Member)> variants)
    {
        IEnumerable<string> branches = variants.Select(variant => $"if (global::{TypeName}.Active == {variant.Number})\n{BodyOf(variant.Member)}\nelse ");
        var body = (BlockSyntax)SyntaxFactory.ParseStatement($"{{ {string.Concat(branches)}{BodyOf(member)} }}");
        return member switch
        {
            MethodDeclarationSyntax method => method.WithExpressionBody(null).WithSemicolonToken(default).WithBody(body),
            ConstructorDeclarationSyntax constructor => constructor.WithBody(body),
            PropertyDeclarationSyntax property => property.WithExpressionBody(null).WithSemicolonToken(default).WithAccessorList(
                SyntaxFactory.AccessorList([SyntaxFactory.AccessorDeclaration(SyntaxKind.GetAccessorDeclaration, body)])),
            _ => throw new InvalidOperationException($"it changes a {member.Kind()}"),
        };
    }

    private static string BodyOf(MemberDeclarationSyntax member) => member switch
    {
        BaseMethodDeclarationSyntax { Body: { } body } => body.ToFullString(),
        MethodDeclarationSyntax { ReturnType: PredefinedTypeSyntax { Keyword.RawKind: (int)SyntaxKind.VoidKeyword }, ExpressionBody: { } arrow } => $"{{ {arrow.Expression}; }}",
        MethodDeclarationSyntax { ExpressionBody: { } arrow } => $"{{ return {arrow.Expression}; }}",
        PropertyDeclarationSyntax { ExpressionBody: { } arrow } => $"{{ return {arrow.Expression}; }}",
        _ => throw new InvalidOperationException($"it changes a {member.Kind()} of another form"),
    };
}
