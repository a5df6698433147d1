using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Quorate.Client;

/// <summary>The client in a host's services.</summary>
public static class QuorateServiceCollectionExtensions
{
    /// <summary>Adds one <see cref="QuorateClient"/> for the whole process, and a <see cref="ServiceRegistry"/>.</summary>
    /// <remarks>Wrong options stop the host at its start with a <see cref="OptionsValidationException"/> that says all that is wrong.</remarks>
    public static IServiceCollection AddQuorateClient(this IServiceCollection services, Action<QuorateClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<QuorateClientOptions>().Configure(configure).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<QuorateClientOptions>, OptionsCheck>());
        services.TryAddSingleton(static provider => new QuorateClient(provider.GetRequiredService<IOptions<QuorateClientOptions>>().Value));
        services.TryAddSingleton(static provider => new ServiceRegistry(provider.GetRequiredService<QuorateClient>()));
        return services;
    }

    private sealed class OptionsCheck : IValidateOptions<QuorateClientOptions>
    {
        public ValidateOptionsResult Validate(string? name, QuorateClientOptions options)
        {
            string[] problems = [.. options.Problems()];
            return problems.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
        }
    }
}
