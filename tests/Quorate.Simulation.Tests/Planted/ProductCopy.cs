using System.Reflection;
using System.Runtime.Loader;

namespace Quorate.Simulation.Tests.Planted;

/// <summary>The whole product once more in this process, with one of its projects replaced; shares no type with the first.</summary>
internal sealed class ProductCopy : AssemblyLoadContext
{
    private readonly string? _replaced;
    private readonly byte[] _image;
    private readonly Func<string, ulong, (string Net, string Message)?> _execute;

    private ProductCopy(string? replaced, byte[] image)
        : base(isCollectible: true)
    {
        (_replaced, _image) = (replaced, image);
        _execute = LoadFromAssemblyName(typeof(SeedRun).Assembly.GetName())
            .GetType(typeof(SeedRun).FullName!, throwOnError: true)!
            .GetMethod(nameof(SeedRun.Execute))!
            .CreateDelegate<Func<string, ulong, (string, string)?>>();
    }

    /// <summary>The product as it is.</summary>
    public static ProductCopy Unchanged() => new(null, []);

    /// <summary>The product with a bug.</summary>
    public static ProductCopy With(PlantedBug bug) => new(bug.Project, ProductSources.Compile(bug));

    /// <summary>Runs a seed: the net that caught a failure, and its message; or null.</summary>
    public (string Net, string Message)? Run(string scenario, ulong seed) => _execute(scenario, seed);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        string path = Path.Combine(AppContext.BaseDirectory, assemblyName.Name + ".dll");
        bool isOurs = assemblyName.Name!.StartsWith("Quorate.", StringComparison.Ordinal) && File.Exists(path);
        if (!isOurs) { return null; }
        using Stream image = assemblyName.Name == _replaced ? new MemoryStream(_image) : File.OpenRead(path);
        return LoadFromStream(image);
    }
}
