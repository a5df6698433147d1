// Who runs, and where. In one terminal the list, in others instances that come and go:
//   dotnet run --project samples/Discovery -- http://127.0.0.1:2379 list
//   dotnet run --project samples/Discovery -- http://127.0.0.1:2379 offer a http://10.0.0.1:8080
using Quorate.Client;

if (args is not ([_, "list"] or [_, "offer", _, _]))
{
    Console.Error.WriteLine("usage: Discovery ENDPOINTS list | Discovery ENDPOINTS offer ID ADDRESS");
    return 2;
}

using var client = new QuorateClient(args[0].Split(','));
var registry = new ServiceRegistry(client, "samples/services");
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    stop.Cancel();
};

try
{
    if (args[1] == "offer")
    {
        // Taken off the list when disposed of, or some seconds after this process died.
        await using ServiceRegistration registration =
            await registry.RegisterAsync("shop", new ServiceInstance(args[2], args[3]), TimeSpan.FromSeconds(5), stop.Token);
        Console.WriteLine("registered");
        await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token);
    }

    await foreach (ServiceSnapshot snapshot in registry.DiscoverAsync("shop", stop.Token))
    {
        Console.WriteLine($"{snapshot.Instances.Length}: {string.Join(", ", snapshot.Instances.Select(static i => $"{i.Id} at {i.Address}"))}");
    }
}
catch (OperationCanceledException)
{
    Console.WriteLine("stopped");
}

return 0;
