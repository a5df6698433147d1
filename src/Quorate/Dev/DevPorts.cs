using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quorate.Cli;
using Quorate.Settings;

namespace Quorate.Dev;

/// <summary>Ports of one node on this machine.</summary>
/// <param name="Client">For clients.</param>
/// <param name="Peer">For the other nodes.</param>
internal readonly record struct NodePorts(int Client, int Peer);

/// <summary>Chooses ports: the usual ones of etcd's examples, or free ones where those are taken.</summary>
internal static class DevPorts
{
    private const string FileName = "dev.json";

    /// <summary>Chooses ports for a cluster.</summary>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="directory">A directory that outlives this run, or null. Its ports are kept: the ids of the members come from them.</param>
    /// <param name="remarks">Gets a sentence for each port that is not the usual one.</param>
    /// <exception cref="CliException">The directory's ports are taken, or it was made for another number of nodes.</exception>
    public static NodePorts[] Choose(int nodes, string? directory, List<string> remarks)
    {
        if (directory is not null && Kept(directory) is { } kept)
        {
            if (kept.Length != nodes)
            {
                throw new CliException(
                    ExitCode.Precondition, $"{directory} holds a cluster of {kept.Length} nodes; give --nodes {kept.Length}, or another directory.");
            }

            int[] taken = [.. kept.SelectMany(p => new[] { p.Client, p.Peer }).Where(p => !IsFree(p))];
            return taken.Length == 0 ? kept : throw new CliException(
                ExitCode.Precondition,
                $"the cluster in {directory} was made with port {string.Join(", ", taken)}, now taken by another program; free it, or use another directory.");
        }

        var used = new HashSet<int>();
        NodePorts[] ports = [.. Enumerable.Range(0, nodes).Select(i =>
        {
            // 2379, 22379, 32379, ... as in etcd's Procfile.
            int offset = i == 0 ? 0 : (i + 1) * 10_000;
            return new NodePorts(FreeOr(2379 + offset, used, remarks), FreeOr(2380 + offset, used, remarks));
        })];
        if (directory is not null) { Keep(directory, ports); }
        return ports;
    }

    private static int FreeOr(int usual, HashSet<int> used, List<string> remarks)
    {
        if (usual <= 65535 && IsFree(usual) && used.Add(usual)) { return usual; }
        while (true)
        {
            int port = AnyFree();
            if (!used.Add(port)) { continue; }
            if (usual <= 65535) { remarks.Add(string.Create(CultureInfo.InvariantCulture, $"port {usual} is taken, using {port}")); }
            return port;
        }
    }

    private static bool IsFree(int port) => MachineProbe.IsFree(new IPEndPoint(IPAddress.Loopback, port));

    private static int AnyFree()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static NodePorts[]? Kept(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path)) { return null; }
        try
        {
            return [.. JsonNode.Parse(File.ReadAllText(path))!.AsArray()
                .Select(p => new NodePorts(p!["client"]!.GetValue<int>(), p["peer"]!.GetValue<int>()))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new CliException(ExitCode.Precondition, $"{path} cannot be read: {e.Message}", e);
        }
    }

    private static void Keep(string directory, NodePorts[] ports) => File.WriteAllText(
        Path.Combine(directory, FileName),
        new JsonArray([.. ports.Select(p => new JsonObject { ["client"] = p.Client, ["peer"] = p.Peer })]).ToJsonString());
}
