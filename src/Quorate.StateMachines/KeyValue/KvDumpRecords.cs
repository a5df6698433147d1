namespace Quorate.StateMachines.KeyValue;

/// <summary>Which records of a store are not in a dump: what can be derived, and what belongs to the cluster it was taken from.</summary>
internal static class KvDumpRecords
{
    private const byte Agenda = 0x05;
    private const byte FirstOfMembers = 0x0D;
    private const byte LastOfKeyspaces = 0x10;

    /// <summary>True for the agenda of leases, their attachments, users' tokens, alarms, comparisons, members and keyspaces. Asked of records behind the index of changes.</summary>
    public static bool IsLeftOut(ReadOnlySpan<byte> key) =>
        key[0] is Agenda or LeaseKeys.Kind or AuthStore.TokenKind or AlarmStore.Kind or CheckBook.Kind or (>= FirstOfMembers and <= LastOfKeyspaces);
}
