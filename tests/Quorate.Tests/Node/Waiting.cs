using Xunit;

namespace Quorate.Tests.Node;

// Waits for what another thread will do. The bound is long, so that a slow machine fails no test; nothing measures time.
internal static class Waiting
{
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    public static void Until(Func<bool> condition, string what)
    {
        long until = Environment.TickCount64 + (long)Longest.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < until, $"waited {Longest} for: {what}");
            Thread.Sleep(2);
        }
    }
}

// A directory that is gone after the test.
internal sealed class TempDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("quorate-test-").FullName;

    public void Dispose()
    {
        try { Directory.Delete(Path, recursive: true); }
        catch (IOException)
        {
            // A file that a stopped node still held open for a moment: the next run does not care.
        }
    }
}
