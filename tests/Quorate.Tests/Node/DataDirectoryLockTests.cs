using Quorate.Node.Files;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class DataDirectoryLockTests
{
    [Fact]
    public void A_second_holder_is_refused_and_told_the_process_of_the_first()
    {
        using var directory = new TempDirectory();
        using (DataDirectoryLock.Take(directory.Path))
        {
            var refusal = Assert.Throws<DataDirectoryInUseException>(() => DataDirectoryLock.Take(directory.Path));
            Assert.Contains($"process {Environment.ProcessId}", refusal.Message, StringComparison.Ordinal);
            Assert.Contains(directory.Path, refusal.Message, StringComparison.Ordinal);
        }

        DataDirectoryLock.Take(directory.Path).Dispose();
    }

    [Fact]
    public void A_lock_file_left_by_a_dead_process_does_not_matter()
    {
        using var directory = new TempDirectory();
        File.WriteAllText(Path.Combine(directory.Path, DataDirectoryLock.FileName), "99999999999 and more than a pid");
        DataDirectoryLock.Take(directory.Path).Dispose();
    }
}
