using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>
/// A switch in user space between TUN devices. It does to each link what it is told: the kernel of many a test machine has no netem.
/// </summary>
/// <remarks>
/// A thread for each device reads packets and either writes them to the device of the receiver or hands them to the thread that
/// holds packets back. Ports are numbered from 0; the last byte of an IPv4 address is the port's number plus 1.
/// </remarks>
internal sealed class PacketHub : IDisposable
{
    private const int MaxPacketBytes = 65_536;

    // A slow link may hold this much; the rest is lost, as in the buffer of a router.
    private static readonly long MaxBacklogTicks = 2 * Stopwatch.Frequency;

    private readonly SafeFileHandle[] _devices;
    private readonly LinkLayer[,][] _layers;
    private readonly LinkPolicy[,] _policies;
    private readonly long[,] _busyUntil; // Of a link; only the thread of the sender uses it.
    private readonly PriorityQueue<(int To, byte[] Packet), (long Due, long Order)> _held = new();
    private readonly List<Thread> _threads = [];
    private long _heldOrder;
    private volatile bool _isStopping;

    /// <summary>Starts to forward. The devices belong to the hub from now on.</summary>
    public PacketHub(SafeFileHandle[] devices, int seed)
    {
        _devices = devices;
        int count = devices.Length;
        _layers = new LinkLayer[count, count][];
        _policies = new LinkPolicy[count, count];
        _busyUntil = new long[count, count];
        for (int from = 0; from < count; from++)
        {
            for (int to = 0; to < count; to++)
            {
                _layers[from, to] = [];
                _policies[from, to] = LinkPolicy.Clean;
            }
        }

        for (int i = 0; i < count; i++)
        {
            int port = i;
            Start($"hub {port}", () => Forward(port, new Random(HashCode(seed, port))));
        }

        Start("hub holder", ReleaseHeld);
    }

    /// <summary>Lays a policy over one direction of a link, above those that are there. It is taken off by Dispose.</summary>
    public LinkLayer Apply(int from, int to, LinkPolicy policy)
    {
        var layer = new LinkLayer(policy, own => Change(from, to, layers => [.. layers.Where(one => one != own)]));
        Change(from, to, layers => [.. layers, layer]);
        return layer;
    }

    public void Dispose()
    {
        _isStopping = true;
        lock (_held) { Monitor.PulseAll(_held); }
        foreach (Thread thread in _threads) { thread.Join(); }
        foreach (SafeFileHandle device in _devices) { device.Dispose(); }
    }

    private static int HashCode(int seed, int port) => unchecked((seed * 31) + port);

    private void Start(string name, Action run)
    {
        var thread = new Thread(() => run()) { IsBackground = true, Name = name };
        thread.Start();
        _threads.Add(thread);
    }

    private void Change(int from, int to, Func<LinkLayer[], LinkLayer[]> change)
    {
        lock (_layers)
        {
            LinkLayer[] layers = change(_layers[from, to]);
            Volatile.Write(ref _layers[from, to], layers);
            Volatile.Write(ref _policies[from, to], layers.Aggregate(LinkPolicy.Clean, (all, one) => all.With(one.Policy)));
        }
    }

    // Of several layers each that asks for this has had it.
    private void Count(int from, int to, Func<LinkPolicy, bool> isAskedFor)
    {
        foreach (LinkLayer layer in Volatile.Read(ref _layers[from, to]))
        {
            if (isAskedFor(layer.Policy)) { layer.Count(); }
        }
    }

    private void Forward(int from, Random random)
    {
        byte[] buffer = new byte[MaxPacketBytes];
        var poll = new Native.PollEntry { File = (int)_devices[from].DangerousGetHandle(), Wanted = Native.Readable };
        while (!_isStopping)
        {
            nint length = Native.Read(_devices[from], buffer, (nuint)buffer.Length);
            if (length <= 0)
            {
                _ = Native.Poll(ref poll, 1, 100);
                continue;
            }

            Span<byte> packet = buffer.AsSpan(0, (int)length);
            if (packet.Length < 20 || packet[0] >> 4 != 4) { continue; } // IPv6 looks for neighbours; there are none.
            int to = packet[19] - 1;
            if (to >= 0 && to < _devices.Length && to != from) { Forward(from, to, packet, random); }
        }
    }

    private void Forward(int from, int to, Span<byte> packet, Random random)
    {
        LinkPolicy policy = Volatile.Read(ref _policies[from, to]);
        if (ReferenceEquals(policy, LinkPolicy.Clean))
        {
            // Not before those that are held, or a healed link would reorder.
            if (_busyUntil[from, to] < Stopwatch.GetTimestamp()) { Deliver(to, packet); }
            else { Hold(to, packet, _busyUntil[from, to]); }
            return;
        }

        if (policy.IsCut)
        {
            Count(from, to, asked => asked.IsCut);
            return;
        }

        if (Hits(policy.LossPpm, random))
        {
            Count(from, to, asked => asked.LossPpm > 0);
            return;
        }

        if (Hits(policy.CorruptPpm, random) && TcpBits.TryTurnOne(packet, random)) { Count(from, to, asked => asked.CorruptPpm > 0); }
        long now = Stopwatch.GetTimestamp();
        long due = now + Ticks(policy.DelayMicros + random.Next(policy.JitterMicros + 1));
        if (Hits(policy.StallPpm, random)) { due += Stopwatch.Frequency; }
        if (due > now) { Count(from, to, asked => asked.IsDelay); }
        if (policy.BytesPerSecond > 0)
        {
            due = Math.Max(due, _busyUntil[from, to]) + (packet.Length * Stopwatch.Frequency / policy.BytesPerSecond);
            Count(from, to, asked => asked.BytesPerSecond > 0);
        }

        due = Math.Max(due, _busyUntil[from, to]);
        if (due - now > MaxBacklogTicks) { return; }
        if (Hits(policy.ReorderPpm, random))
        {
            Count(from, to, asked => asked.ReorderPpm > 0);
            Hold(to, packet, due + Ticks(random.Next(5000)));
            return;
        }

        _busyUntil[from, to] = due;
        bool isTwice = Hits(policy.DuplicatePpm, random);
        if (isTwice)
        {
            Count(from, to, asked => asked.DuplicatePpm > 0);
            Hold(to, packet, due + Ticks(random.Next(5000)));
        }

        if (due > now) { Hold(to, packet, due); }
        else { Deliver(to, packet); }
    }

    private static bool Hits(int ppm, Random random) => ppm > 0 && random.Next(1_000_000) < ppm;

    private static long Ticks(int micros) => micros * Stopwatch.Frequency / 1_000_000;

    private void Deliver(int to, ReadOnlySpan<byte> packet)
    {
        // A device whose node is going away refuses; then the packet is lost, as on any wire.
        _ = Native.Write(_devices[to], packet, (nuint)packet.Length);
    }

    private void Hold(int to, ReadOnlySpan<byte> packet, long due)
    {
        lock (_held)
        {
            _held.Enqueue((to, packet.ToArray()), (due, _heldOrder++));
            Monitor.Pulse(_held);
        }
    }

    private void ReleaseHeld()
    {
        lock (_held)
        {
            while (!_isStopping)
            {
                if (!_held.TryPeek(out (int To, byte[] Packet) first, out (long Due, long Order) place))
                {
                    Monitor.Wait(_held);
                    continue;
                }

                long wait = place.Due - Stopwatch.GetTimestamp();
                if (wait > 0)
                {
                    Monitor.Wait(_held, TimeSpan.FromSeconds((double)wait / Stopwatch.Frequency));
                    continue;
                }

                _held.Dequeue();
                Deliver(first.To, first.Packet);
            }
        }
    }
}

/// <summary>One policy on one direction of a link, until Dispose.</summary>
internal sealed class LinkLayer(LinkPolicy policy, Action<LinkLayer> remove) : IDisposable
{
    private long _touched;

    public LinkPolicy Policy => policy;

    /// <summary>Packets to which that was done which this policy asks for.</summary>
    public long Touched => Interlocked.Read(ref _touched);

    public void Count() => Interlocked.Increment(ref _touched);

    public void Dispose() => remove(this);
}
