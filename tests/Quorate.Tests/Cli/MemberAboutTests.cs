using System.Text;
using Quorate.Host;
using Quorate.Node.Peers;
using Xunit;

namespace Quorate.Tests.Cli;

public class MemberAboutTests
{
    [Fact]
    public void What_is_told_is_read_again()
    {
        string[] urls = ["http://127.0.0.1:2379", "http://[::1]:2379"];
        Assert.Equal(urls, MemberAbout.Read(MemberAbout.Write([.. urls])));
        Assert.Empty(MemberAbout.Read(null));
        Assert.Empty(MemberAbout.Read(ReadOnlyMemory<byte>.Empty));
    }

    [Fact]
    public void Garbage_is_left_out() =>
        Assert.Equal(["http://a:1"], MemberAbout.Read(Encoding.UTF8.GetBytes("rubbish\nhttp://a:1\n\n\u0000\u00ff")));

    [Fact]
    public void Never_more_than_a_peer_takes() =>
        Assert.InRange(
            MemberAbout.Write([.. Enumerable.Range(1, 1000).Select(i => $"http://127.0.0.1:{i}")]).Length,
            PeerOptions.MostAboutBytes - 100, PeerOptions.MostAboutBytes);
}
