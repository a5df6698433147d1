using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>A network of our own: a namespace for each node, and this process as its switch.</summary>
/// <remarks>
/// Nodes are numbered from 0. This process, with all clients, is the port behind the last of them. Names hold our process id, so
/// that what a killed run left behind is found and removed by the next.
/// </remarks>
internal sealed partial class NetworkLab : IDisposable
{
    private const string NamePrefix = "quorate-lab-";

    private readonly string _subnet;
    private readonly string[] _namespaces;
    private readonly List<SafeFileHandle> _devices = [];
    private PacketHub? _hub;

    /// <summary>Builds the network; skips the test if this machine does not allow it.</summary>
    public NetworkLab(int nodes, int seed)
    {
        Nodes = nodes;
        SkipUnlessPossible();
        RemoveStale();
        _subnet = FreeSubnet();
        _namespaces = [.. Enumerable.Range(0, nodes).Select(i => $"{NamePrefix}{Environment.ProcessId}-{i}")];
        try
        {
            for (int i = 0; i < nodes; i++) { AddNode(i); }
            AddOurselves();
            _hub = new PacketHub([.. _devices], seed);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Nodes { get; }

    /// <summary>The port of this process and its clients.</summary>
    public int ClientPort => Nodes;

    public PacketHub Hub => _hub!;

    /// <summary>Address of a node, or of this process.</summary>
    public string AddressOf(int port) => $"{_subnet}.{(port + 1).ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Starts a process inside a node's namespace.</summary>
    public Process Launch(int node, ProcessStartInfo start) => InNamespace(_namespaces[node], () => Process.Start(start)!);

    /// <summary>Drops what one node gets from others, by its own packet filter, until Dispose.</summary>
    public FilterRule Drop(int at, IEnumerable<int> from) => Filter(at, from, "drop");

    /// <summary>Answers what one node gets from others with a reset, until Dispose.</summary>
    public FilterRule Reset(int at, IEnumerable<int> from) => Filter(at, from, "reject with tcp reset", "meta l4proto tcp ");

    public void Dispose()
    {
        _hub?.Dispose();
        if (_hub is null) { _devices.ForEach(device => device.Dispose()); }
        _hub = null;
        foreach (string name in _namespaces) { Remove(name); }
    }

    private static void SkipUnlessPossible()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "network namespaces are a feature of Linux");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "network namespaces need root");
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "this machine has no TUN device");
        Tool.Find("ip");
        Tool.Find("nft");
        string probe = $"{NamePrefix}{Environment.ProcessId}-probe";
        Tool.Result added = Ip("netns", "add", probe);
        Assert.SkipUnless(added.ExitCode == 0, $"a network namespace cannot be made here: {added.Error.Trim()}");
        try
        {
            Tool.Result rules = Tool.Run("ip", ["netns", "exec", probe, "nft", "add", "table", "inet", "probe"]);
            Assert.SkipUnless(rules.ExitCode == 0, $"nftables cannot be used here: {rules.Error.Trim()}");
        }
        finally
        {
            Ip("netns", "del", probe);
        }
    }

    // What a run that was killed left behind: its servers live on in its namespaces.
    private static void RemoveStale()
    {
        foreach (string line in Ip("netns", "list").Succeeded().Split('\n'))
        {
            string name = line.Split(' ')[0];
            if (!name.StartsWith(NamePrefix, StringComparison.Ordinal)) { continue; }
            string owner = name[NamePrefix.Length..].Split('-')[0];
            if (owner.Length > 0 && !Directory.Exists("/proc/" + owner)) { Remove(name); }
        }
    }

    private static void Remove(string name)
    {
        foreach (string line in Ip("netns", "pids", name).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            _ = Native.Kill(int.Parse(line, CultureInfo.InvariantCulture), Native.SignalKill);
        }

        Ip("netns", "del", name);
    }

    // Addresses for benchmarks of networks (RFC 2544), which nobody routes.
    private static string FreeSubnet()
    {
        for (int i = 0; i < 256; i++)
        {
            string subnet = $"198.18.{((Environment.ProcessId + i) % 256).ToString(CultureInfo.InvariantCulture)}";
            if (Ip("route", "show", subnet + ".0/24").Succeeded().Trim().Length == 0) { return subnet; }
        }

        throw new InvalidOperationException("all of 198.18.0.0/16 is in use");
    }

    private void AddNode(int node)
    {
        string name = _namespaces[node];
        Ip("netns", "add", name).Succeeded();
        _devices.Add(InNamespace(name, () => OpenDevice("tun0")));
        Ip("-n", name, "addr", "add", AddressOf(node) + "/24", "dev", "tun0").Succeeded();
        Ip("-n", name, "link", "set", "tun0", "up", "mtu", "9000").Succeeded();
        Ip("-n", name, "link", "set", "lo", "up").Succeeded();
    }

    private void AddOurselves()
    {
        string device = "ql" + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        _devices.Add(OpenDevice(device));
        Ip("addr", "add", AddressOf(ClientPort) + "/24", "dev", device).Succeeded();
        Ip("link", "set", device, "up", "mtu", "9000").Succeeded();
    }

    private static SafeFileHandle OpenDevice(string name)
    {
        SafeFileHandle device = Native.Open("/dev/net/tun", Native.ReadWriteNonBlocking, 0);
        Check(device.IsInvalid ? -1 : 0, "open /dev/net/tun");
        byte[] request = new byte[40]; // struct ifreq: the name in 16 bytes, then the flags.
        Encoding.ASCII.GetBytes(name).CopyTo(request, 0);
        BitConverter.TryWriteBytes(request.AsSpan(16), Native.TunWithoutHeader);
        Check(Native.Control(device, Native.SetInterface, request), "TUNSETIFF");
        return device;
    }

    // A thread belongs to one namespace, so it is a thread of its own, and what it starts begins there.
    private static T InNamespace<T>(string name, Func<T> work)
    {
        T? result = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using SafeFileHandle file = Native.Open("/run/netns/" + name, Native.ReadOnlyCloseOnExec, 0);
                Check(Native.EnterNamespace(file, Native.NetworkNamespace), "setns");
                result = work();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result! : throw new InvalidOperationException($"in namespace {name}: {failure.Message}", failure);
    }

    private static void Check(int result, string what)
    {
        if (result < 0) { throw new InvalidOperationException($"{what}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}"); }
    }

    private FilterRule Filter(int at, IEnumerable<int> from, string verdict, string match = "")
    {
        string table = "t" + Interlocked.Increment(ref _tables).ToString(CultureInfo.InvariantCulture);
        string senders = string.Join(", ", from.Select(AddressOf));
        string rules = $"table inet {table} {{ chain c {{ type filter hook input priority 0; policy accept; ip saddr {{ {senders} }} {match}counter {verdict}\n}}\n}}\n";
        Nft(at, rules);
        return new FilterRule(() => Packets(at, table), () => Nft(at, $"delete table inet {table}"));
    }

    private int _tables;

    private void Nft(int node, string rules) =>
        Tool.Run("ip", ["netns", "exec", _namespaces[node], "nft", "-f", "-"], rules).Succeeded();

    private long Packets(int node, string table)
    {
        string rules = Tool.Run("ip", ["netns", "exec", _namespaces[node], "nft", "list", "table", "inet", table]).Succeeded();
        return long.Parse(Counter().Match(rules).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("counter packets ([0-9]+)")]
    private static partial Regex Counter();

    private static Tool.Result Ip(params string[] arguments) => Tool.Run("ip", arguments);
}

/// <summary>A rule of a node's packet filter, until Dispose.</summary>
internal sealed class FilterRule(Func<long> count, Action undo) : IDisposable
{
    private Action? _undo = undo;

    /// <summary>Packets that it has dropped, or answered with a reset, once it is gone.</summary>
    public long Packets { get; private set; }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _undo, null) is not { } remove) { return; }
        Packets = count();
        remove();
    }
}
