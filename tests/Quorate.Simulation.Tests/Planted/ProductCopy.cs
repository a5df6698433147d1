using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Loader;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>
/// The product once more in this process, with all planted bugs in it, of which a run has one or none. Projects without bugs that build
/// upon none with bugs are shared, since they cannot tell.
/// </summary>
internal sealed class ProductCopy : AssemblyLoadContext
{
    private readonly ImmutableDictionary<string, byte[]> _images;
    private readonly ImmutableArray<Action<int>> _switches;
    private readonly Func<string, ulong, (string Net, string Message)?> _execute;

    /// <summary>Compiles and loads it.</summary>
    /// <param name="bugs">A bug's number is its place in this list, from 1.</param>
    /// <exception cref="InvalidOperationException">A bug is out of date.</exception>
    public ProductCopy(ImmutableArray<PlantedBug> bugs)
    {
        _images = bugs.Select(bug => bug.Project).Distinct().ToImmutableDictionary(project => project, project => ProductSources.Compile(project, bugs));
        _execute = LoadFromAssemblyName(typeof(SeedRun).Assembly.GetName())
            .GetType(typeof(SeedRun).FullName!, throwOnError: true)!
            .GetMethod(nameof(SeedRun.Execute))!
            .CreateDelegate<Func<string, ulong, (string, string)?>>();
        _switches =
        [
            .. _images.Keys.Select(project => LoadFromAssemblyName(new(project))
                .GetType(PlantedSwitch.TypeName, throwOnError: true)!
                .GetMethod("Set")!
                .CreateDelegate<Action<int>>()),
        ];
    }

    /// <summary>Runs a seed with one bug, or with none (0), on this thread: the net that caught a failure, and its message; or null.</summary>
    public (string Net, string Message)? Run(int bug, string scenario, ulong seed)
    {
        foreach (Action<int> set in _switches) { set(bug); }
        try
        {
            return _execute(scenario, seed);
        }
        finally
        {
            foreach (Action<int> set in _switches) { set(0); }
        }
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (!IsOurs(assemblyName) || !BuildsUponReplaced(assemblyName)) { return null; }
        using Stream image = _images.TryGetValue(assemblyName.Name!, out byte[]? planted)
            ? new MemoryStream(planted)
            : File.OpenRead(Path.Combine(AppContext.BaseDirectory, assemblyName.Name + ".dll"));
        return LoadFromStream(image);
    }

    private static bool IsOurs(AssemblyName name) => name.Name!.StartsWith("Quorate.", StringComparison.Ordinal);

    private bool BuildsUponReplaced(AssemblyName name) =>
        _images.ContainsKey(name.Name!) || Default.LoadFromAssemblyName(name).GetReferencedAssemblies().Where(IsOurs).Any(BuildsUponReplaced);
}
