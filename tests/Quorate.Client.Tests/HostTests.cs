using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;
using Proto = Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Client.Tests;

/// <summary>The client in a host: options, container, configuration, telemetry.</summary>
public sealed class HostTests
{
    [Fact]
    public void Wrong_options_are_all_named()
    {
        var options = new QuorateClientOptions { User = "u", CallTimeout = TimeSpan.Zero, KeepAlivePingDelay = TimeSpan.FromSeconds(1) };
        options.Endpoints.Add(new Uri("ftp://x"));
        options.Tls.CertificateFile = "/nowhere/c.pem";
        ArgumentException e = Assert.Throws<ArgumentException>(() => new QuorateClient(options));
        Assert.All(
            new[] { "ftp://x", "User and Password", "CallTimeout", "KeepAlivePingDelay", "Tls.CertificateFile and Tls.KeyFile", "/nowhere/c.pem" },
            word => Assert.Contains(word, e.Message, StringComparison.Ordinal));
        Assert.Contains("Endpoints is empty", Assert.Throws<ArgumentException>(() => new QuorateClient(new QuorateClientOptions())).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new QuorateClient("no address"));
    }

    [Fact]
    public void The_container_makes_one_client_and_refuses_wrong_options()
    {
        using ServiceProvider right = new ServiceCollection()
            .AddQuorateClient(static options => options.Endpoints.Add(new Uri("http://127.0.0.1:1"))).BuildServiceProvider();
        Assert.Same(right.GetRequiredService<QuorateClient>(), right.GetRequiredService<QuorateClient>());
        Assert.NotNull(right.GetRequiredService<ServiceRegistry>());

        using ServiceProvider wrong = new ServiceCollection().AddQuorateClient(static _ => { }).BuildServiceProvider();
        OptionsValidationException e = Assert.Throws<OptionsValidationException>(() => wrong.GetRequiredService<QuorateClient>());
        Assert.Contains("Endpoints is empty", e.Message, StringComparison.Ordinal);
        Assert.Throws<OptionsValidationException>(() => wrong.GetRequiredService<IStartupValidator>().Validate());
    }

    [Fact]
    public void Settings_that_cannot_be_read_fail_the_start_unless_they_are_optional()
    {
        static IConfigurationRoot Build(bool isOptional) => new ConfigurationBuilder().AddQuorate(source =>
        {
            source.Client.Endpoints.Add(new Uri("http://127.0.0.1:1"));
            source.Client.CallTimeout = TimeSpan.FromMilliseconds(100);
            source.LoadTimeout = TimeSpan.FromMilliseconds(isOptional ? 200 : 20_000);
            source.IsOptional = isOptional;
        }).Build();

        Assert.Throws<UnavailableException>(() => Build(isOptional: false));
        using var optional = (ConfigurationRoot)Build(isOptional: true);
        Assert.Empty(optional.AsEnumerable());
    }

    // Goal: one activity and one measurement per call, with the attempts and what became of it.
    [Fact]
    public async Task Calls_are_traced_and_measured()
    {
        var activities = new List<Activity>();
        var durations = new List<string>();
        long retries = 0;
        using var traces = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == QuorateTelemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => { lock (activities) { activities.Add(activity); } },
        };
        ActivitySource.AddActivityListener(traces);
        using var meters = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == QuorateTelemetry.Name) { listener.EnableMeasurementEvents(instrument); }
            },
        };

        // Other tests run at the same time: only what comes from this flow of control counts.
        var isOurs = new AsyncLocal<bool> { Value = true };
        meters.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            if (!isOurs.Value) { return; }
            durations.Add($"{Tag(tags, "rpc.method")} {Tag(tags, "quorate.result")}");
        });
        meters.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
        {
            if (isOurs.Value && instrument.Name == "quorate.client.retries") { retries += value; }
        });
        meters.Start();

        using var parent = new Activity("test").Start();
        using ScriptedTransport servers = new ScriptedTransport().Answers(
            new RpcFailure(StatusCode.Unavailable, "no", wasSent: false),
            new Proto.PutResponse { Header = new() },
            new RpcFailure(StatusCode.Unavailable, "etcdserver: request timed out", wasSent: true));
        using QuorateClient client = servers.Client();
        await client.Kv.PutAsync("k", "v");
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => client.Kv.PutAsync("k", "v"));

        Assert.Equal(["Put ok", "Put unknown"], durations);
        Assert.Equal(1, retries);
        string[] told;
        lock (activities)
        {
            told = [.. activities.Where(activity => activity.TraceId == parent.TraceId).Select(static activity =>
                $"{activity.DisplayName} {activity.Kind} {activity.GetTagItem("rpc.grpc.status_code")} {activity.GetTagItem("quorate.attempts")} {activity.Status}")];
        }

        Assert.Equal(["etcdserverpb.KV/Put Client 0 2 Unset", "etcdserverpb.KV/Put Client 14 1 Error"], told);
    }

    private static object? Tag(ReadOnlySpan<KeyValuePair<string, object?>> tags, string name)
    {
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            if (tag.Key == name) { return tag.Value; }
        }

        return null;
    }
}
