using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Clients that read, write and compare-and-set registers, and write down what they asked and heard.</summary>
/// <remarks>Every written value is new. Keys are left behind after some seconds, so that no register has too long a history.</remarks>
internal sealed class RegisterWorkload(Recorder recorder, RunClock clock)
{
    private const int KeysAtATime = 10;
    private const long MicrosPerBatch = 5_000_000;

    private readonly ConcurrentDictionary<string, long?> _lastSeen = new();
    private long _values;

    /// <summary>All keys that were touched.</summary>
    public IEnumerable<string> Keys => _lastSeen.Keys.Order(StringComparer.Ordinal);

    /// <summary>One client, until it is told to stop.</summary>
    /// <param name="connect">Connects anew: at first, and after an outcome that nobody knows.</param>
    /// <param name="random">What it does next.</param>
    /// <param name="pause">The mean pause between two operations.</param>
    /// <param name="stop">When to stop; an operation under way is waited for.</param>
    public async Task RunClientAsync(Func<IRegisterClient> connect, Random random, TimeSpan pause, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            int process = recorder.NewProcess();
            using IRegisterClient client = connect();
            bool isCertain = true;
            while (isCertain && !stop.IsCancellationRequested)
            {
                string key = Key(random);
                isCertain = random.Next(10) switch
                {
                    < 4 => await ReadAsync(client, process, key),
                    < 7 => await WriteAsync(client, process, key),
                    _ => await CompareAndSetAsync(client, process, key),
                };
                await Task.Delay(pause * 2 * random.NextDouble(), CancellationToken.None);
            }
        }
    }

    /// <summary>Reads a register once, for the history. False if the outcome is not certain.</summary>
    public async Task<bool> ReadAsync(IRegisterClient client, int process, string key)
    {
        recorder.Invoke(process, "read", key);
        try
        {
            long? value = await client.ReadAsync(key);
            recorder.Complete(process, Outcome.Ok, "read", key, value);
            _lastSeen[key] = value;
            return true;
        }
        catch (CallFailedException)
        {
            // A read has no effect, so it is never uncertain; but its connection may be broken.
            recorder.Complete(process, Outcome.Fail, "read", key);
            return false;
        }
    }

    private async Task<bool> WriteAsync(IRegisterClient client, int process, string key)
    {
        long value = Interlocked.Increment(ref _values);
        recorder.Invoke(process, "write", key, value);
        Outcome outcome = Outcome.Ok;
        try
        {
            await client.WriteAsync(key, value);
            _lastSeen[key] = value;
        }
        catch (CallFailedException e)
        {
            outcome = e.MayHaveHappened ? Outcome.Info : Outcome.Fail;
        }

        recorder.Complete(process, outcome, "write", key, value);
        return outcome != Outcome.Info;
    }

    private async Task<bool> CompareAndSetAsync(IRegisterClient client, int process, string key)
    {
        long? expected = _lastSeen.GetValueOrDefault(key);
        long value = Interlocked.Increment(ref _values);
        recorder.Invoke(process, "cas", key, Pair(expected, value));
        Outcome outcome = Outcome.Ok;
        bool applied = true;
        try
        {
            applied = await client.CompareAndSetAsync(key, expected, value);
            if (applied) { _lastSeen[key] = value; }
        }
        catch (CallFailedException e)
        {
            outcome = e.MayHaveHappened ? Outcome.Info : Outcome.Fail;
        }

        recorder.Complete(process, outcome, "cas", key, Pair(expected, value), applied);
        return outcome != Outcome.Info;
    }

    private static JsonArray Pair(long? expected, long value) => [expected, value];

    private string Key(Random random)
    {
        long batch = clock.Micros / MicrosPerBatch;
        string key = string.Create(CultureInfo.InvariantCulture, $"r/{batch}/{random.Next(KeysAtATime)}");
        _lastSeen.TryAdd(key, null);
        return key;
    }
}
