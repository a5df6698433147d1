namespace Quorate.Simulation.Checkers.Etcd;

/// <summary>One operation of a history, read by the model.</summary>
/// <param name="Source">The lines.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Response">What was heard; null if it failed or nobody knows.</param>
internal sealed record EtcdOperation(HistoryOperation Source, EtcdRequest Request, EtcdResponse? Response)
{
    /// <summary>When it was asked.</summary>
    public long Invoked => Source.Invoked;

    /// <summary>When it was answered; <see cref="long.MaxValue"/> if it never was.</summary>
    public long Returned => Source.Returned;

    /// <summary>The revision that the answer names; 0 if there is none.</summary>
    public long Revision => Response?.Revision ?? 0;

    /// <summary>True if it made its revision.</summary>
    public bool Wrote => Response is { Wrote: true };

    /// <summary>True if nobody knows whether it changed something.</summary>
    public bool IsUnknownWrite => Source.IsUnknown && Request.MayWrite;

    /// <summary>True if etcd promises that the answer is no older than anything answered before the question.</summary>
    public bool IsLinearizable => Request is not
        (EtcdRequest.Range { Serializable: true } or EtcdRequest.Watch or EtcdRequest.WatchNext or EtcdRequest.Txn { IsSerializable: true });

    /// <summary>What was asked and heard.</summary>
    public override string ToString() =>
        $"{Request} -> {Response?.ToString() ?? (Source.Outcome == HistoryOutcome.Failed ? "failed" : "no answer")}";
}
