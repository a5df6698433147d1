using System.Globalization;
using Quorate.Cli;

namespace Quorate.Leases;

/// <summary>Ids of leases as people see them: 16 hexadecimal digits, as in etcdctl; a negative one has a sign in front.</summary>
internal static class LeaseId
{
    /// <summary>The id as text.</summary>
    public static string Text(long id) => id < 0
        ? "-" + unchecked((ulong)-id).ToString("x15", CultureInfo.InvariantCulture)
        : id.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads an id; leading zeros may be left out.</summary>
    /// <exception cref="CliException">It is none.</exception>
    public static long Parse(string text)
    {
        bool isNegative = text.StartsWith('-');
        bool isId = ulong.TryParse(
            isNegative ? text.AsSpan(1) : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id);
        return isId && id <= (isNegative ? 1UL << 63 : long.MaxValue)
            ? unchecked(isNegative ? -(long)id : (long)id)
            : throw new CliException(ExitCode.Usage, $"'{text}' is no lease id; it must be a hexadecimal number, as 'quorate lease grant' prints it.");
    }
}
