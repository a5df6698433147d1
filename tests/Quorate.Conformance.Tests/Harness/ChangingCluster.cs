using System.Globalization;

namespace Quorate.Conformance.Tests;

/// <summary>A cluster whose members are not known in the beginning: each is started with what <c>etcdctl member add</c> prints.</summary>
internal sealed class ChangingCluster : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-members-").FullName;
    private readonly string _etcdctl = Tool.Find("etcdctl");
    private readonly Dictionary<string, (int Client, int Peer)> _ports = [];
    private readonly List<ServerProcess> _servers = [];

    /// <summary>The first member; not started.</summary>
    public ServerProcess Founder(string name) => Server(name, Name(name), "new");

    /// <summary>Adds a member by etcdctl and gives the server that it tells to start; not started.</summary>
    public ServerProcess Add(ServerProcess by, string name, bool learner = false, params string[] otherUrls)
    {
        string peer = string.Join(',', [.. otherUrls, PeerUrl(name)]);
        string told = Run(by, ["member", "add", name, $"--peer-urls={peer}", .. learner ? ["--learner"] : Array.Empty<string>()]);
        string cluster = Line(told, "ETCD_INITIAL_CLUSTER=").Trim('"');
        return Server(Line(told, "ETCD_NAME=").Trim('"'), cluster, Line(told, "ETCD_INITIAL_CLUSTER_STATE=").Trim('"'));
    }

    /// <summary>A server with this name's ports and directory.</summary>
    public ServerProcess Server(string name, string cluster, string state)
    {
        (int client, int peer) = Ports(name);
        var server = new ServerProcess(name, client, peer, [
            "etcd", "--name", name, "--data-dir", DataDirectoryOf(name),
            "--listen-client-urls", $"http://127.0.0.1:{client}", "--advertise-client-urls", $"http://127.0.0.1:{client}",
            "--listen-peer-urls", $"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", $"http://127.0.0.1:{peer}",
            "--initial-cluster", cluster, "--initial-cluster-token", "changing", "--initial-cluster-state", state,
        ]);
        _servers.Add(server);
        return server;
    }

    public string DataDirectoryOf(string name) => Path.Combine(_directory, name);

    /// <summary>As <c>--initial-cluster</c> has it.</summary>
    public string Name(string name) => $"{name}={PeerUrl(name)}";

    public string Name(ServerProcess server) => Name(server.Name);

    public string PeerUrl(string name) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports(name).Peer}");

    /// <summary>Who runs etcdctl: a user's name and password as it takes them, or nobody.</summary>
    public string User { get; set; } = "";

    /// <summary>etcdctl against one server; it must succeed.</summary>
    public string Run(ServerProcess server, params string[] arguments) => Etcdctl(server, arguments).Succeeded();

    /// <summary>etcdctl against one server; it must fail. Gives its words.</summary>
    public string Fails(ServerProcess server, params string[] arguments)
    {
        Tool.Result result = Etcdctl(server, arguments);
        Xunit.Assert.NotEqual(0, result.ExitCode);
        return result.Error;
    }

    /// <summary>The members as one server lists them: name, started or not, voter or learner.</summary>
    public string[] Members(ServerProcess by) =>
    [
        .. Fields(by).Select(fields =>
            $"{(fields[2].Length == 0 ? "-" : fields[2])} {fields[1]} {(fields[5] == "true" ? "learner" : "voter")}"),
    ];

    public string IdOf(ServerProcess by, ServerProcess server) => IdOf(by, server.Name);

    public string IdOf(ServerProcess by, string name) => Fields(by).First(fields => fields[3] == PeerUrl(name))[0];

    public void Dispose()
    {
        foreach (ServerProcess server in _servers) { server.Dispose(); }
        Directory.Delete(_directory, recursive: true);
    }

    private Tool.Result Etcdctl(ServerProcess server, string[] arguments) =>
        Tool.Run(_etcdctl, ["--endpoints", $"127.0.0.1:{server.ClientPort}", .. User.Length == 0 ? Array.Empty<string>() : ["--user", User], .. arguments]);

    private IEnumerable<string[]> Fields(ServerProcess by) => Run(by, "member", "list")
        .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(',', StringSplitOptions.TrimEntries));

    private (int Client, int Peer) Ports(string name)
    {
        if (!_ports.TryGetValue(name, out (int Client, int Peer) ports))
        {
            int[] free = ServerProcess.FreePorts(2);
            ports = (free[0], free[1]);
            _ports.Add(name, ports);
        }

        return ports;
    }

    private static string Line(string text, string start) =>
        text.Split('\n').First(line => line.StartsWith(start, StringComparison.Ordinal))[start.Length..].Trim();
}
