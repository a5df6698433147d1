// One at a time: run this twice at once, and the second waits until the first is done, or dead.
//   dotnet run --project samples/Lock -- http://127.0.0.1:2379
using System.Globalization;
using Quorate.Client;

using var client = new QuorateClient(args.Length > 0 ? args[0].Split(',') : ["http://127.0.0.1:2379"]);

await using LockHandle held = await client.LockAsync("samples/report", TimeSpan.FromSeconds(10));
Console.WriteLine($"I hold the lock; my fencing token is {held.FencingToken}.");

for (int page = 1; page <= 3; page++)
{
    // Stops when the lease could not be renewed, before another can get the lock.
    await Task.Delay(TimeSpan.FromMilliseconds(300), held.Lost);

    // The fence: the write happens only if the lock is still ours at that very moment, however late the request arrives.
    string text = string.Create(CultureInfo.InvariantCulture, $"page {page}, token {held.FencingToken}");
    TxnResult written = await client.Kv.CommitAsync(Txn.If(held.StillHeld).Then(Op.Put($"samples/report-pages/{page}", text)));
    if (!written.Succeeded) { throw new InvalidOperationException("somebody else holds the lock by now; nothing was written"); }
    Console.WriteLine($"wrote page {page}");
}

Console.WriteLine("done");
