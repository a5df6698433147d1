using Quorate.Core;
using Quorate.Node.Files;
using Xunit;

namespace Quorate.Tests.Node;

public sealed class RealFileSystemTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly RealFileSystem _files;

    public RealFileSystemTests() => _files = new RealFileSystem(_directory.Path);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_written_reads_back_and_the_end_of_the_file_cuts_a_read()
    {
        using IFile file = _files.Open("a", OpenMode.Create);
        file.Write(3, "hello"u8);
        file.Sync();
        byte[] buffer = new byte[16];

        Assert.Equal(8, file.Length);
        Assert.Equal(8, file.Read(0, buffer));
        Assert.Equal("\0\0\0hello"u8.ToArray(), buffer[..8]);
        Assert.Equal(2, file.Read(6, buffer));
        Assert.Equal(0, file.Read(8, buffer));
        file.SetLength(4);
        Assert.Equal(4, file.Length);
    }

    [Fact]
    public void Opening_says_why_it_cannot()
    {
        _files.Open("there", OpenMode.Create).Dispose();
        _files.CreateDirectory("directory");

        Assert.Equal(DiskFault.NotFound, Fault(() => _files.Open("missing", OpenMode.Read)));
        Assert.Equal(DiskFault.NotFound, Fault(() => _files.Open("missing", OpenMode.ReadWrite)));
        Assert.Equal(DiskFault.NotFound, Fault(() => _files.Open("no/such/directory", OpenMode.Create)));
        Assert.Equal(DiskFault.Exists, Fault(() => _files.Open("there", OpenMode.Create)));
        Assert.Equal(DiskFault.Denied, Fault(() => _files.Open("directory", OpenMode.Read)));
        Assert.Equal(DiskFault.NotFound, Fault(() => _files.Delete("missing")));
        Assert.Equal(DiskFault.NotFound, Fault(() => _files.Rename("missing", "b")));
        Assert.Equal(DiskFault.NotFound, Fault(() => _files.List("missing")));
        Assert.Equal(DiskFault.NotFound, Fault(() => _files.SyncDirectory("missing")));
        Assert.Equal(DiskFault.NotFound, Fault(() => _files.HardLink("missing", "b")));
        Assert.Equal(DiskFault.Exists, Fault(() => _files.HardLink("there", "there")));
    }

    [Fact]
    public void A_file_opened_for_reading_refuses_writes()
    {
        _files.Open("a", OpenMode.Create).Dispose();
        using IFile file = _files.Open("a", OpenMode.Read);
        Assert.NotNull(Record.Exception(() => file.Write(0, "x"u8)));
        Assert.Equal(0, file.Length);
    }

    [Fact]
    public void Names_are_listed_in_ordinal_order_with_directories()
    {
        foreach (string name in (string[])["b", "B", "a", "10", "9"]) { _files.Open(name, OpenMode.Create).Dispose(); }
        _files.CreateDirectory("c/d");

        Assert.Equal(["10", "9", "B", "a", "b", "c"], _files.List(""));
        Assert.Equal(["d"], _files.List("c"));
        _files.SyncDirectory("");
        _files.SyncDirectory("c/d");
    }

    [Fact]
    public void Rename_replaces_and_moves_directories()
    {
        Write("a", "new");
        Write("b", "old");
        _files.Rename("a", "b");
        _files.CreateDirectory("from");
        Write("from/x", "in");
        _files.Rename("from", "to");

        Assert.Equal("new", Read("b"));
        Assert.False(_files.Exists("a"));
        Assert.Equal("in", Read("to/x"));
        Assert.False(_files.Exists("from"));
    }

    [Fact]
    public void A_hard_link_and_an_open_handle_outlive_the_first_name()
    {
        Write("a", "bytes");
        _files.HardLink("a", "b");
        using IFile open = _files.Open("a", OpenMode.Read);
        _files.Delete("a");

        byte[] buffer = new byte[5];
        Assert.Equal(5, open.Read(0, buffer));
        Assert.Equal("bytes", Read("b"));
        Assert.False(_files.Exists("a"));
        Assert.False(_files.Exists("b/below-a-file"));
    }

    [Fact]
    public void Deleting_a_directory_takes_all_it_holds_and_allows_that_it_is_gone()
    {
        _files.CreateDirectory("d/e");
        Write("d/e/f", "x");
        _files.DeleteDirectory("d");
        _files.DeleteDirectory("d");
        Assert.False(_files.Exists("d"));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("/etc/passwd")]
    [InlineData("a//b")]
    [InlineData("./x")]
    [InlineData("a/")]
    [InlineData("x\0y")]
    public void Paths_that_leave_the_data_directory_are_refused(string path)
    {
        Assert.Throws<ArgumentException>(() => _files.Open(path, OpenMode.Read));
        Assert.Throws<ArgumentException>(() => _files.Exists(path));
        Assert.Throws<ArgumentException>(() => _files.CreateDirectory(path));
        Assert.Throws<ArgumentException>(() => _files.DeleteDirectory(path));
        Assert.Throws<ArgumentException>(() => _files.Delete(path));
        Assert.Throws<ArgumentException>(() => _files.Rename("a", path));
        Assert.Throws<ArgumentException>(() => _files.HardLink("a", path));
        Assert.Throws<ArgumentException>(() => _files.List(path));
        Assert.Throws<ArgumentException>(() => _files.SyncDirectory(path));
    }

    [Fact]
    public void The_data_directory_itself_is_never_deleted()
    {
        Assert.Throws<ArgumentException>(() => _files.DeleteDirectory(""));
        Assert.True(_files.Exists(""));
    }

    [Fact]
    public void The_room_on_the_disk_is_told()
    {
        DiskSpace space = _files.Space();
        Assert.InRange(space.FreeBytes, 1, space.TotalBytes);
    }

    [Fact]
    public void Every_errno_that_matters_has_its_word()
    {
        Assert.Equal(DiskFault.Failed, DiskErrors.FaultOf(5)); // EIO
        Assert.Equal(DiskFault.Full, DiskErrors.FaultOf(28)); // ENOSPC
        Assert.Equal(DiskFault.Full, DiskErrors.FaultOf(122)); // EDQUOT
        Assert.Equal(DiskFault.Denied, DiskErrors.FaultOf(30)); // EROFS
        Assert.Equal(DiskFault.TooManyFiles, DiskErrors.FaultOf(24)); // EMFILE
        Assert.Equal(DiskFault.TooManyFiles, DiskErrors.FaultOf(23)); // ENFILE
        Assert.Equal(DiskFault.Full, DiskErrors.FromException(new IOException("full", 28), "write", "a").Fault);
    }

    private static DiskFault Fault(Action action) => Assert.Throws<DiskException>(action).Fault;

    private void Write(string path, string text)
    {
        using IFile file = _files.Open(path, OpenMode.Create);
        file.Write(0, System.Text.Encoding.UTF8.GetBytes(text));
    }

    private string Read(string path)
    {
        using IFile file = _files.Open(path, OpenMode.Read);
        byte[] bytes = new byte[file.Length];
        Assert.Equal(bytes.Length, file.Read(0, bytes));
        return System.Text.Encoding.UTF8.GetString(bytes);
    }
}
