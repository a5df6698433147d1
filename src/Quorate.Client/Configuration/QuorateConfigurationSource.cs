using Microsoft.Extensions.Configuration;

namespace Quorate.Client;

/// <summary>Settings from keys: what is behind the prefix is the setting's name, '/' for ':'. They are reloaded when a key changes.</summary>
public sealed class QuorateConfigurationSource : IConfigurationSource
{
    /// <summary>The cluster.</summary>
    public QuorateClientOptions Client { get; } = new();

    /// <summary>Keys that begin so are settings, e.g. <c>config/shop/</c>.</summary>
    public string Prefix { get; set; } = "config/";

    /// <summary>Start without these settings if the cluster cannot be read in time; they come when it can. Default: the start fails.</summary>
    public bool IsOptional { get; set; }

    /// <summary>Time for the first reading. Default: 10 s.</summary>
    public TimeSpan LoadTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new QuorateConfigurationProvider(this);
}

/// <summary>Adds settings that live in a cluster.</summary>
public static class QuorateConfigurationExtensions
{
    /// <summary>Adds the keys of a prefix as settings that reload by themselves.</summary>
    /// <exception cref="ArgumentException">When the configuration is built: the options are wrong.</exception>
    /// <exception cref="UnavailableException">When the configuration is built: the cluster cannot be read, and the source is not optional.</exception>
    public static IConfigurationBuilder AddQuorate(this IConfigurationBuilder builder, Action<QuorateConfigurationSource> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(configure);
    }
}
