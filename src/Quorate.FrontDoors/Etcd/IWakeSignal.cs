namespace Quorate.FrontDoors.Etcd;

/// <summary>What a handler waits on until something may have happened. One waits, anyone wakes.</summary>
internal interface IWakeSignal
{
    /// <summary>Completes when <see cref="Wake"/> has been called since the last wait ended. One waits at a time.</summary>
    ValueTask WaitAsync();

    /// <summary>Ends the wait, or the next one. Cheap, never throws, runs nothing of the handler itself.</summary>
    void Wake();
}
