using Quorate.Core;
using Quorate.StateMachines.KeyValue;
using Xunit;

namespace Quorate.Tests.StateMachines;

public sealed class RecentKeysTests
{
    // Property: what it knows of a key is what was noted last, however many keys fight for its places.
    [Fact]
    public void It_knows_the_newest_or_nothing()
    {
        var random = new Prng(9);
        var recent = new RecentKeys();
        var model = new Dictionary<int, (long, long, long)>();
        int known = 0;
        for (long step = 1; step < 200_000; step++)
        {
            int key = random.Below(step < 100_000 ? 500 : 20_000);
            byte[] bytes = [.. BitConverter.GetBytes(key), .. new byte[key % 300]];
            if (random.Chance(1, 2))
            {
                recent.Set(bytes, step, step % 7, step % 3);
                model[key] = (step, step % 7, step % 3);
            }
            else if (recent.TryGet(bytes, out (long, long, long) state))
            {
                known++;
                Assert.Equal(model[key], state);
            }
        }

        Assert.True(known > 20_000, $"found {known}: the cache is of no use");
        recent.Clear();
        Assert.DoesNotContain(model.Keys, key => recent.TryGet([.. BitConverter.GetBytes(key), .. new byte[key % 300]], out _));
    }
}
