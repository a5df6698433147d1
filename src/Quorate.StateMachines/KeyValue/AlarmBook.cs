using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.StateMachines.KeyValue;

/// <summary>Raises and clears alarms, and says what they forbid. As in etcd an alarm of any member counts for all.</summary>
internal sealed class AlarmBook
{
    private bool _isShort;
    private bool _isCorrupt;

    /// <summary>Reads what it keeps in memory.</summary>
    public void Open(IStoreReader store)
    {
        ImmutableArray<KvAlarm> alarms = AlarmStore.ReadAll(store);
        _isShort = alarms.Any(static alarm => alarm.Type == KvAlarmType.NoSpace);
        _isCorrupt = alarms.Any(static alarm => alarm.Type == KvAlarmType.Corrupt);
    }

    /// <summary>Why a put is refused; None if it is not.</summary>
    public KvRefusal RefusalOfPut => _isCorrupt ? KvRefusal.Corrupt : _isShort ? KvRefusal.NoSpace : KvRefusal.None;

    /// <summary>Why a command is refused; None if it is not.</summary>
    public KvRefusal RefusalOf(KvCommand command) => command switch
    {
        KvCommand.Put or KvCommand.LeaseGrant or KvCommand.Txn { HasPut: true } => RefusalOfPut,
        KvCommand.DeleteRange or KvCommand.Txn or KvCommand.Compact or KvCommand.LeaseRevoke when _isCorrupt => KvRefusal.Corrupt,
        _ => KvRefusal.None,
    };

    /// <summary>Raises or clears an alarm.</summary>
    /// <returns>The alarm if it is raised now, or was before it was cleared; else none.</returns>
    public ImmutableArray<KvAlarm> Apply(KvCommand.Alarm command, IStoreWriter store)
    {
        var alarm = new KvAlarm(command.Member, command.Type);
        if (alarm.Type is not (KvAlarmType.NoSpace or KvAlarmType.Corrupt)) { return []; }
        bool wasRaised = AlarmStore.IsRaised(store, alarm);
        if (command.Raise && !wasRaised) { AlarmStore.Raise(store, alarm); }
        if (!command.Raise && wasRaised) { AlarmStore.Clear(store, alarm); }
        if (command.Raise != wasRaised) { Open(store); }
        return command.Raise || wasRaised ? [alarm] : [];
    }
}
