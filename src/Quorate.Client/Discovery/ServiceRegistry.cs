using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quorate.Client;

/// <summary>One running instance of a service.</summary>
/// <param name="Id">Unique among the service's instances.</param>
/// <param name="Address">Where it is reached, e.g. <c>http://10.0.0.7:8080</c>.</param>
/// <param name="Tags">Whatever else its users should know.</param>
public sealed record ServiceInstance(string Id, string Address, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Who offers a service, at one revision.</summary>
/// <param name="Revision">The store's revision.</param>
/// <param name="Instances">By id.</param>
public sealed record ServiceSnapshot(long Revision, ImmutableArray<ServiceInstance> Instances);

/// <summary>Which instances of which services run: keys <c>PREFIX/SERVICE/ID</c>, each with the lease of its process. Any thread.</summary>
/// <param name="client">The cluster.</param>
/// <param name="prefix">Where the keys lie.</param>
public sealed class ServiceRegistry(QuorateClient client, string prefix = "services")
{
    /// <summary>Makes an instance known until it is disposed of. If its lease is lost (the cluster was out of reach), it is registered anew.</summary>
    /// <param name="service">Name of the service, without '/'.</param>
    /// <param name="instance">The instance. Another one of the same id is replaced.</param>
    /// <param name="timeToLive">How long after the death of the process it is still listed; default 15 s.</param>
    /// <param name="cancellationToken">Stops waiting for the first registration.</param>
    public async Task<ServiceRegistration> RegisterAsync(
        string service, ServiceInstance instance, TimeSpan? timeToLive = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(instance);
        Blob key = KeyOf(service) + CheckedName(instance.Id);
        byte[] value = JsonSerializer.SerializeToUtf8Bytes(new InstanceJson(instance.Address, instance.Tags), DiscoveryJson.Default.InstanceJson);
        var registration = new ServiceRegistration(client, key, value, timeToLive ?? QuorateClient.DefaultTimeToLive);
        try
        {
            await registration.StartAsync(cancellationToken).ConfigureAwait(false);
            return registration;
        }
        catch
        {
            await registration.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Who offers the service now.</summary>
    public async Task<ServiceSnapshot> GetAsync(string service, CancellationToken cancellationToken = default)
    {
        RangeResult found = await client.Kv.RangeAsync(KeyRange.Prefix(KeyOf(service)), null, cancellationToken).ConfigureAwait(false);
        return SnapshotOf(service, found.Revision, found.Items);
    }

    /// <summary>Who offers the service, and again after each change, for as long as it is read.</summary>
    public async IAsyncEnumerable<ServiceSnapshot> DiscoverAsync(string service, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (MirrorState state in client.MirrorAsync(KeyRange.Prefix(KeyOf(service)), cancellationToken).ConfigureAwait(false))
        {
            yield return SnapshotOf(service, state.Revision, state.Items.Values);
        }
    }

    private static string CheckedName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return name.Contains('/') ? throw new ArgumentException($"'{name}' contains '/', which separates names in keys", nameof(name)) : name;
    }

    private string KeyOf(string service) => $"{prefix}/{CheckedName(service)}/";

    private ServiceSnapshot SnapshotOf(string service, long revision, IEnumerable<KeyValue> items)
    {
        int start = KeyOf(service).Length;
        return new(revision, [.. items.Select(item => InstanceOf(item.Key.ToString()[start..], item.Value)).OfType<ServiceInstance>()]);
    }

    // What somebody else put there and cannot be read is nobody's address.
    private static ServiceInstance? InstanceOf(string id, Blob value)
    {
        try
        {
            InstanceJson? json = JsonSerializer.Deserialize(value.Memory.Span, DiscoveryJson.Default.InstanceJson);
            return json?.Address is { } address ? new(id, address, json.Tags) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>An instance's value: <c>{"address":"...","tags":{...}}</c>.</summary>
internal sealed record InstanceJson(string? Address, IReadOnlyDictionary<string, string>? Tags);

/// <summary>Reads and writes it without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(InstanceJson))]
internal sealed partial class DiscoveryJson : JsonSerializerContext;
