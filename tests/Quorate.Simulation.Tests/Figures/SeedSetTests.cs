using Quorate.Core;
using Quorate.Simulation.Figures;
using Xunit;

namespace Quorate.Simulation.Tests.Figures;

public sealed class SeedSetTests
{
    // Goal: whatever the order in which seeds come, each counts once, and the ranges say exactly which there are.
    [Fact]
    public void Ranges_say_what_was_added()
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var random = new Prng(seed);
            var (set, model) = (new SeedSet(), new SortedSet<ulong>());
            for (int i = 0; i < 60; i++)
            {
                ulong next = (ulong)random.Below(40);
                Assert.Equal(model.Add(next), set.Add(next));
            }

            set = SeedSet.Parse(set.Ranges);
            Assert.False(set.Add(model.Min));
            Assert.Equal(model, set.Ranges.SelectMany(Members));
            Assert.DoesNotContain(set.Ranges.Zip(set.Ranges.Skip(1)), pair => Members(pair.First).Last() + 1 >= Members(pair.Second).First());
        }

        static IEnumerable<ulong> Members(string range)
        {
            ulong[] ends = [.. range.Split("..").Select(ulong.Parse)];
            for (ulong member = ends[0]; member <= ends[^1]; member++) { yield return member; }
        }
    }

    [Theory]
    [InlineData("9..3")]
    [InlineData("1..2..3")]
    [InlineData("x")]
    [InlineData("")]
    public void What_is_no_range_is_refused(string range) => Assert.Throws<FormatException>(() => SeedSet.Parse([range]));
}
