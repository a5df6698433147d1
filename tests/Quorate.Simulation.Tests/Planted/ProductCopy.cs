using System.Reflection;
using System.Runtime.Loader;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>
/// One project of the product replaced, and fresh copies of all that build upon it; the others are shared, since they cannot tell
/// and compiling them to machine code once more takes seconds.
/// </summary>
internal sealed class ProductCopy : AssemblyLoadContext
{
    private readonly string _replaced;
    private readonly byte[] _image;
    private readonly Func<string, ulong, (string Net, string Message)?> _execute;

    private ProductCopy(string replaced, byte[] image)
        : base(isCollectible: true)
    {
        (_replaced, _image) = (replaced, image);
        _execute = LoadFromAssemblyName(typeof(SeedRun).Assembly.GetName())
            .GetType(typeof(SeedRun).FullName!, throwOnError: true)!
            .GetMethod(nameof(SeedRun.Execute))!
            .CreateDelegate<Func<string, ulong, (string, string)?>>();
    }

    /// <summary>The product as it is, all of it a copy.</summary>
    public static ProductCopy Unchanged() => new("Quorate.Core", File.ReadAllBytes(PathOf("Quorate.Core")));

    /// <summary>The product with a bug.</summary>
    public static ProductCopy With(PlantedBug bug) => new(bug.Project, ProductSources.Compile(bug));

    /// <summary>Runs a seed: the net that caught a failure, and its message; or null.</summary>
    public (string Net, string Message)? Run(string scenario, ulong seed) => _execute(scenario, seed);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (!IsOurs(assemblyName) || !BuildsUponReplaced(assemblyName)) { return null; }
        using Stream image = assemblyName.Name == _replaced ? new MemoryStream(_image) : File.OpenRead(PathOf(assemblyName.Name!));
        return LoadFromStream(image);
    }

    private static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, name + ".dll");

    private static bool IsOurs(AssemblyName name) => name.Name!.StartsWith("Quorate.", StringComparison.Ordinal);

    private bool BuildsUponReplaced(AssemblyName name) =>
        name.Name == _replaced || Default.LoadFromAssemblyName(name).GetReferencedAssemblies().Where(IsOurs).Any(BuildsUponReplaced);
}
