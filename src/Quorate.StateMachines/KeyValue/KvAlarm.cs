namespace Quorate.StateMachines.KeyValue;

/// <summary>What an alarm is about; etcd's numbers.</summary>
public enum KvAlarmType
{
    /// <summary>Nothing: to ask for all.</summary>
    None = 0,

    /// <summary>A member's store is over its quota: what lets the store grow is refused.</summary>
    NoSpace = 1,

    /// <summary>A member's data differs from the others': nothing may be changed.</summary>
    Corrupt = 2,
}

/// <summary>An alarm that is raised.</summary>
/// <param name="Member">The member it is about.</param>
/// <param name="Type">What it says; not None.</param>
public readonly record struct KvAlarm(ulong Member, KvAlarmType Type);
