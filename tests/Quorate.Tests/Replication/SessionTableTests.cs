using Quorate.Core;
using Quorate.Replication;
using Xunit;

namespace Quorate.Tests.Replication;

public sealed class SessionTableTests
{
    // Property: whatever the order of numbers, the table answers as a plain set does, and forgets nothing inside its window.
    [Fact]
    public void It_answers_as_a_set_does()
    {
        var random = new Prng(3);
        for (int run = 0; run < 50; run++)
        {
            var table = new SessionTable();
            var model = new Dictionary<(ulong, ulong), ulong>();
            for (ulong index = 1; index < 400; index++)
            {
                (ulong Session, ulong Sequence) command = ((ulong)random.Below(3), (ulong)random.Below(300));
                bool known = table.Contains(command.Session, command.Sequence);
                Assert.True(known || !model.ContainsKey(command) || model[command] + 100 < index, $"run {run}, {command} is forgotten");
                Assert.True(!known || model.ContainsKey(command), $"run {run}, {command} was never added");
                if (!known)
                {
                    table.Add(command.Session, command.Sequence, new(index));
                    model[command] = index;
                }

                if (index % 50 == 0 && index > 100) { table.ForgetThrough(new(index - 100)); }
            }
        }
    }

    [Fact]
    public void Adding_a_command_twice_is_a_bug()
    {
        var table = new SessionTable();
        table.Add(1, 5, new(1));
        table.Add(1, 6, new(2));
        Assert.Throws<InvariantException>(() => table.Add(1, 5, new(3)));
    }
}
