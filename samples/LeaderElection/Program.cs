// One of many works, the others stand by. Run it in several terminals with different names, and kill the leader.
//   dotnet run --project samples/LeaderElection -- http://127.0.0.1:2379 alice
using Quorate.Client;

using var client = new QuorateClient(args.Length > 0 ? args[0].Split(',') : ["http://127.0.0.1:2379"]);
string name = args.Length > 1 ? args[1] : Environment.MachineName;
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true; // Resign first, so that the next one need not wait for the lease to end.
    stop.Cancel();
};

LeaderElection election = client.Election("samples/election");
Task observing = ObserveAsync();
while (!stop.IsCancellationRequested)
{
    try
    {
        await using Leadership leadership = await election.CampaignAsync(name, TimeSpan.FromSeconds(10), stop.Token);
        Console.WriteLine($"{name}: I lead, with token {leadership.FencingToken}");
        using var end = CancellationTokenSource.CreateLinkedTokenSource(leadership.Lost, stop.Token);
        await WorkAsync(end.Token);
    }
    catch (LeaseLostException)
    {
        Console.WriteLine($"{name}: the cluster was out of reach; I campaign again");
    }
    catch (OperationCanceledException)
    {
        Console.WriteLine($"{name}: I do not lead any more");
    }
}

await observing;

// All that only the leader may do stops with this token.
static Task WorkAsync(CancellationToken whileLeading) => Task.Delay(Timeout.InfiniteTimeSpan, whileLeading);

async Task ObserveAsync()
{
    try
    {
        await foreach (LeaderInfo? leader in election.ObserveAsync(stop.Token))
        {
            Console.WriteLine(leader is null ? $"{name} sees: nobody leads" : $"{name} sees: {leader.Value} leads");
        }
    }
    catch (OperationCanceledException)
    {
        // Ctrl-C.
    }
}
