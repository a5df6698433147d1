using Quorate.FrontDoors.Etcd;

namespace Quorate.Simulation.Etcd;

/// <summary>What WakeSignal is on a real node: who waited goes on a moment later, as a step of its call.</summary>
internal sealed class SimWakeSignal(SimNodeClient client, SimEtcdCall call) : IWakeSignal
{
    private SimAnswer<bool>? _waiting;
    private bool _isWoken;
    private bool _isWaking;

    /// <inheritdoc/>
    public ValueTask WaitAsync()
    {
        if (_isWoken)
        {
            _isWoken = false;
            return default;
        }

        _waiting = new(call, false);
        return Ended(_waiting);
    }

    /// <inheritdoc/>
    public void Wake()
    {
        _isWoken = true;
        if (_waiting is null || _isWaking) { return; }
        _isWaking = true;
        client.Resume(call, EndWait);
    }

    private void EndWait()
    {
        _isWaking = false;
        if (_waiting is not { } waiting) { return; }
        _waiting = null;
        _isWoken = false;
        waiting.End(true);
    }

    private static async ValueTask Ended(SimAnswer<bool> answer) => await answer.Task.ConfigureAwait(false);
}
