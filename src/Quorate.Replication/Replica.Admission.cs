namespace Quorate.Replication;

/// <summary>
/// Admission: when flushes and merges fall behind, writers are slowed first and refused then, where commands are taken and proposed;
/// not memory and level 0 grow. What this node has in its log it applies in any case.
/// </summary>
internal sealed partial class Replica
{
    private const int SlowedFrom = 500; // Thousandths of the engine's pressure, at 1000 of which it refuses.

    private long _slowedRoom = long.MaxValue; // Bytes that may still be proposed in this tick; negative: owed by the next ones.

    private bool IsSlowed => _engine.Pressure >= SlowedFrom;

    // Bytes a second: from the setting down to an eighth of it, which still lets leases be kept alive.
    private long SlowedRate => Math.Max(
        Config.SlowedWriteBytes / 8, Config.SlowedWriteBytes * Math.Max(0, 1000 - _engine.Pressure) / (1000 - SlowedFrom));

    // While writers are slowed, a quarter of a second's worth waits: what else comes would only wait for its deadline.
    private bool IsTooMuch(long waiting, int more) =>
        waiting + more > Config.MaxWaitingBytes || (IsSlowed && waiting > SlowedRate / 4);

    private void TickAdmission()
    {
        if (!IsSlowed)
        {
            _slowedRoom = long.MaxValue;
            return;
        }

        Probes.WritersSlowed.Hit();
        _slowedRoom = Math.Min(0, _slowedRoom) + Math.Max(1, SlowedRate * Config.TickMilliseconds / 1000);
    }

    private void NoteProposed(int bytes)
    {
        if (_slowedRoom != long.MaxValue) { _slowedRoom -= bytes; }
    }
}
