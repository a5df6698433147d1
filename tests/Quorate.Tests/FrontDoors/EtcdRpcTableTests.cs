using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using Quorate.FrontDoors.Etcd;
using Quorate.FrontDoors.Etcd.Protos;
using Xunit;

namespace Quorate.Tests.FrontDoors;

/// <summary>The table of RPCs against the protocol, and the documentation against the table.</summary>
public partial class EtcdRpcTableTests
{
    [Fact]
    public void Every_line_is_an_rpc_of_etcd_with_its_own_request()
    {
        foreach (EtcdRpc rpc in EtcdRpcs.All)
        {
            MethodDescriptor method = MethodOf(rpc.Path);
            Assert.Equal(method.InputType, rpc.RequestType);
            Assert.False(method.IsClientStreaming || method.IsServerStreaming, rpc.Path);
        }

        foreach (EtcdStreamRpc rpc in EtcdRpcs.Streams)
        {
            MethodDescriptor method = MethodOf(rpc.Path);
            Assert.Equal(method.InputType, rpc.RequestType);
            Assert.True(method.IsServerStreaming, rpc.Path);
        }
    }

    [Fact]
    public void The_page_about_etcd_lists_what_is_served_and_nothing_else()
    {
        string page = File.ReadAllText(Path.Combine(Repository(), "docs", "protocols", "etcd.md"));
        IEnumerable<string> listed = Row().Matches(page).Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}");
        IEnumerable<string> served = EtcdRpcs.All.Select(rpc => $"{rpc.Path} {rpc.JsonPath}")
            .Concat(EtcdRpcs.Streams.Select(rpc => $"{rpc.Path} {rpc.JsonPath ?? "-"}"));
        Assert.Equal(served.Order(), listed.Order());
    }

    private static MethodDescriptor MethodOf(string path)
    {
        string[] parts = path.Split('/');
        FileDescriptor[] files =
            [RpcReflection.Descriptor, LockReflection.Descriptor, ElectionReflection.Descriptor, KeyspaceReflection.Descriptor];
        MethodDescriptor? method = files.SelectMany(static file => file.Services)
            .SingleOrDefault(service => service.FullName == parts[1])?.FindMethodByName(parts[2]);
        Assert.True(method is not null, path);
        return method;
    }

    private static string Repository()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Quorate.slnx")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("not in the repository");
        }

        return directory;
    }

    [GeneratedRegex(@"^\| `(/\w+pb\.[^`]+)` \| `(/v3/[^`]+|-)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
