using Google.Protobuf;
using Quorate.FrontDoors.Etcd;

namespace Quorate.Simulation.Etcd;

/// <summary>The server's end of a streaming call: what GrpcStream is over a real connection. All on the simulator's thread.</summary>
internal sealed class SimEtcdStream(SimNodeClient client, SimEtcdCall call, MessageParser parser, Action<byte[]> send) : IEtcdStream
{
    // Responses that may be on their way before the server has to wait, as it does for a client's window.
    private const int Window = 4;

    private readonly SimWakeSignal _signal = new(client, call);
    private readonly Queue<StreamRead> _requests = [];
    private SimAnswer<StreamRead>? _reading;
    private SimAnswer<bool>? _flushing;
    private int _underWay;

    /// <summary>A request has come.</summary>
    public void Receive(byte[] request)
    {
        var read = new StreamRead(parser.ParseFrom(request), null);
        if (_reading is { IsEnded: false } reading)
        {
            _reading = null;
            client.Resume(call, () => reading.End(read));
            return;
        }

        _requests.Enqueue(read);
    }

    /// <summary>The client has taken a response.</summary>
    public void Taken()
    {
        _underWay--;
        if (_underWay >= Window || _flushing is not { IsEnded: false } flushing) { return; }
        _flushing = null;
        client.Resume(call, () => flushing.End(true));
    }

    /// <inheritdoc/>
    public ValueTask<StreamRead> ReadAsync(CancellationToken stop)
    {
        if (_requests.TryDequeue(out StreamRead read)) { return new(read); }
        _reading = new(call, new StreamRead(null, EtcdErrors.Canceled));
        _reading.CancelWith(stop);
        return _reading.Task;
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(IMessage response, CancellationToken stop)
    {
        _underWay++;
        send(response.ToByteArray());
        return default;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken stop)
    {
        if (_underWay < Window) { return default; }
        _flushing = new(call, false);
        _flushing.CancelWith(stop);
        return Ended(_flushing);
    }

    /// <inheritdoc/>
    public ValueTask YieldAsync() => default; // Nobody else runs in the simulator.

    /// <inheritdoc/>
    public ValueTask WaitAsync() => _signal.WaitAsync();

    /// <inheritdoc/>
    public void Wake() => _signal.Wake();

    private static async ValueTask Ended(SimAnswer<bool> answer) => await answer.Task.ConfigureAwait(false);
}
