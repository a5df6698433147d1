using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace Quorate.Tests.House;

/// <summary>
/// The second determinism net: reads the compiled metadata of each deterministic assembly, because the analyzer does not see
/// types in signatures, nor the Monitor behind a lock statement.
/// </summary>
public sealed class DeterminismTests
{
    private static readonly string[] ForbiddenNamespaces =
    [
        "System.Threading", "System.Threading.Tasks", "System.Threading.Channels", "System.Net", "System.Net.Sockets",
        "System.Collections.Concurrent", "System.Timers", "System.Diagnostics.Tracing", "Microsoft.Win32",
    ];

    private static readonly string[] ForbiddenTypes =
    [
        "System.DateTime", "System.DateTimeOffset", "System.TimeProvider", "System.Diagnostics.Stopwatch",
        "System.Diagnostics.Process", "System.Environment", "System.Random", "System.Guid", "System.HashCode", "System.IO.File",
        "System.IO.FileStream", "System.IO.FileInfo", "System.IO.Directory", "System.IO.DirectoryInfo", "System.IO.RandomAccess",
        "System.Console", "System.Security.Cryptography.RandomNumberGenerator",
        "System.Collections.Immutable.ImmutableDictionary`2", "System.Collections.Immutable.ImmutableHashSet`1",
    ];

    // Readers of an engine run on other threads than its one writer (Engine/DESIGN.md): publishing a pointer to them and
    // counting who still reads a file are the only uses, and they do not change what any of them sees.
    private static readonly (string Assembly, string Type)[] Exceptions =
    [
        ("Quorate.Storage", "System.Threading.Volatile"),
        ("Quorate.Storage", "System.Threading.Interlocked"),
        ("Quorate.Storage", "System.Threading.Monitor"),
        ("Quorate.Storage", "System.Threading.Lock"),
    ];

    private const string IteratorThread = "System.Environment.get_CurrentManagedThreadId";

    [Theory]
    [InlineData("Quorate.Core")]
    [InlineData("Quorate.Raft")]
    [InlineData("Quorate.Storage")]
    [InlineData("Quorate.StateMachines")]
    [InlineData("Quorate.Replication")]
    public void A_deterministic_assembly_names_nothing_that_differs_between_runs(string assembly)
    {
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        using var image = new PEReader(file);
        MetadataReader metadata = image.GetMetadataReader();
        var named = new SortedSet<string>(StringComparer.Ordinal);
        var called = new SortedSet<string>(StringComparer.Ordinal);
        foreach (TypeReferenceHandle handle in metadata.TypeReferences)
        {
            TypeReference type = metadata.GetTypeReference(handle);
            string space = metadata.GetString(type.Namespace);
            string name = $"{space}.{metadata.GetString(type.Name)}";
            if (ForbiddenNamespaces.Contains(space) || ForbiddenTypes.Contains(name)) { named.Add(name); }
        }

        foreach (MemberReferenceHandle handle in metadata.MemberReferences)
        {
            MemberReference member = metadata.GetMemberReference(handle);
            if (member.Parent.Kind != HandleKind.TypeReference) { continue; }
            TypeReference parent = metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
            string full = $"{metadata.GetString(parent.Namespace)}.{metadata.GetString(parent.Name)}.{metadata.GetString(member.Name)}";
            if (full == "System.String.GetHashCode") { named.Add(full); }
            if (full != IteratorThread) { called.Add(full); }
        }

        // The compiler writes this one into every iterator, to hand an enumerator out only once; it changes nothing.
        if (!called.Any(full => full.StartsWith("System.Environment.", StringComparison.Ordinal))) { named.Remove("System.Environment"); }

        named.RemoveWhere(name => Exceptions.Contains((assembly, name)));
        Assert.Empty(named);
    }

    // The net must be able to fail: this test assembly names plenty of what it looks for.
    [Fact]
    public void The_net_catches_what_it_looks_for()
    {
        using FileStream file = File.OpenRead(typeof(DeterminismTests).Assembly.Location);
        using var image = new PEReader(file);
        MetadataReader metadata = image.GetMetadataReader();
        Assert.Contains(metadata.TypeReferences.Select(metadata.GetTypeReference), type =>
            metadata.GetString(type.Namespace) == "System.IO" && metadata.GetString(type.Name) == "File");
    }
}
