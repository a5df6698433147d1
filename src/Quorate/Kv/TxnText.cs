using System.Globalization;
using System.Text;
using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Kv;

/// <summary>A transaction cannot be read.</summary>
internal sealed class TxnTextException : Exception
{
    /// <summary>Creates the exception.</summary>
    public TxnTextException(int line, string message)
        : base($"line {line}: {message}")
    {
    }
}

/// <summary>
/// etcdctl's text form of a transaction: comparisons, an empty line, what to do if all hold, an empty line, what else to do.
/// <code>
/// value("name") = "old"
/// mod("name") &gt; "7"
///
/// put name new
/// get name
///
/// get name
/// </code>
/// </summary>
internal static class TxnText
{
    /// <summary>Reads a transaction. Missing parts are empty; an empty transaction is allowed, as in etcdctl.</summary>
    /// <exception cref="TxnTextException">A line cannot be read.</exception>
    public static TxnRequest Parse(string text)
    {
        var request = new TxnRequest();
        int part = 0;
        int number = 0;
        foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            number++;
            if (line.AsSpan().Trim().IsEmpty)
            {
                part++;
                continue;
            }

            switch (part)
            {
                case 0: request.Compare.Add(ParseCompare(line, number)); break;
                case 1: request.Success.Add(ParseOp(line, number)); break;
                case 2: request.Failure.Add(ParseOp(line, number)); break;
                default: throw new TxnTextException(number, "a transaction has three parts: comparisons, then, else");
            }
        }

        return request;
    }

    // target("key") op "value": target one of c create m mod val value ver version lease; op one of = != < >.
    private static Compare ParseCompare(string line, int number)
    {
        int open = line.IndexOf('(', StringComparison.Ordinal);
        if (open < 0) { throw new TxnTextException(number, $"'{line}' is not target(\"key\") op \"value\""); }
        int at = open + 1;
        string key = ReadWord(line, ref at, number, end: ')');
        SkipBlanks(line, ref at);
        if (at >= line.Length || line[at] != ')') { throw new TxnTextException(number, $"')' is missing in '{line}'"); }
        at++;
        SkipBlanks(line, ref at);
        Compare.Types.CompareResult result = ReadOperator(line, ref at, number);
        SkipBlanks(line, ref at);
        string value = ReadWord(line, ref at, number);
        SkipBlanks(line, ref at);
        if (at < line.Length) { throw new TxnTextException(number, $"'{line[at..]}' follows the comparison"); }

        var compare = new Compare { Key = ByteString.CopyFromUtf8(key), Result = result };
        string target = line[..open].Trim();
        switch (target)
        {
            case "ver" or "version":
                compare.Target = Compare.Types.CompareTarget.Version;
                compare.Version = Number(value, number);
                break;
            case "c" or "create":
                compare.Target = Compare.Types.CompareTarget.Create;
                compare.CreateRevision = Number(value, number);
                break;
            case "m" or "mod":
                compare.Target = Compare.Types.CompareTarget.Mod;
                compare.ModRevision = Number(value, number);
                break;
            case "val" or "value":
                compare.Target = Compare.Types.CompareTarget.Value;
                compare.Value = ByteString.CopyFromUtf8(value);
                break;
            case "lease":
                compare.Target = Compare.Types.CompareTarget.Lease;
                compare.Lease = LeaseId(value, number);
                break;
            default:
                throw new TxnTextException(
                    number, $"'{target}' cannot be compared; it must be value, version, create, mod or lease");
        }

        return compare;
    }

    private static RequestOp ParseOp(string line, int number)
    {
        List<string> words = Words(line, number);
        var flags = new List<string>();
        var plain = new List<string>();
        foreach (string word in words.Skip(1)) { (word.StartsWith("--", StringComparison.Ordinal) ? flags : plain).Add(word); }
        return words[0] switch
        {
            "put" => Put(plain, flags, number),
            "get" => Get(plain, flags, number),
            "del" => Delete(plain, flags, number),
            _ => throw new TxnTextException(number, $"'{words[0]}' is not put, get or del"),
        };
    }

    private static RequestOp Put(List<string> words, List<string> flags, int number)
    {
        if (words.Count != 2) { throw new TxnTextException(number, "put takes a key and a value; quote what has blanks"); }
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(words[0]), Value = ByteString.CopyFromUtf8(words[1]) };
        foreach (string flag in flags)
        {
            if (flag == "--prev-kv") { put.PrevKv = true; }
            else if (flag.StartsWith("--lease=", StringComparison.Ordinal)) { put.Lease = LeaseId(flag["--lease=".Length..], number); }
            else { throw Unknown(flag, "put", number); }
        }

        return new RequestOp { RequestPut = put };
    }

    private static RequestOp Get(List<string> words, List<string> flags, int number)
    {
        var range = new RangeRequest();
        (range.Key, range.RangeEnd) = KeyRange(words, flags.Remove("--prefix"), "get", number);
        foreach (string flag in flags)
        {
            switch (flag)
            {
                case "--keys-only": range.KeysOnly = true; break;
                case "--count-only": range.CountOnly = true; break;
                case string when flag.StartsWith("--limit=", StringComparison.Ordinal): range.Limit = Number(flag["--limit=".Length..], number); break;
                case string when flag.StartsWith("--rev=", StringComparison.Ordinal): range.Revision = Number(flag["--rev=".Length..], number); break;
                default: throw Unknown(flag!, "get", number);
            }
        }

        return new RequestOp { RequestRange = range };
    }

    private static RequestOp Delete(List<string> words, List<string> flags, int number)
    {
        var delete = new DeleteRangeRequest();
        (delete.Key, delete.RangeEnd) = KeyRange(words, flags.Remove("--prefix"), "del", number);
        foreach (string flag in flags)
        {
            if (flag == "--prev-kv") { delete.PrevKv = true; }
            else { throw Unknown(flag, "del", number); }
        }

        return new RequestOp { RequestDeleteRange = delete };
    }

    private static (ByteString Key, ByteString End) KeyRange(List<string> words, bool isPrefix, string verb, int number)
    {
        if (words.Count is < 1 or > 2) { throw new TxnTextException(number, $"{verb} takes a key, or a key and an end"); }
        if (isPrefix && words.Count == 2) { throw new TxnTextException(number, $"{verb} takes --prefix or an end, not both"); }
        ByteString key = ByteString.CopyFromUtf8(words[0]);
        return isPrefix ? KeyRanges.Prefix(key) : (key, words.Count == 2 ? ByteString.CopyFromUtf8(words[1]) : ByteString.Empty);
    }

    private static TxnTextException Unknown(string flag, string verb, int number) =>
        new(number, $"{verb} has no {flag} in a transaction");

    private static Compare.Types.CompareResult ReadOperator(string line, ref int at, int number)
    {
        ReadOnlySpan<char> rest = line.AsSpan(at);
        if (rest.StartsWith("!="))
        {
            at += 2;
            return Compare.Types.CompareResult.NotEqual;
        }

        Compare.Types.CompareResult? result = rest.IsEmpty ? null : rest[0] switch
        {
            '=' => Compare.Types.CompareResult.Equal,
            '>' => Compare.Types.CompareResult.Greater,
            '<' => Compare.Types.CompareResult.Less,
            _ => null,
        };
        at++;
        return result ?? throw new TxnTextException(number, $"'{rest}' does not start with =, !=, < or >");
    }

    private static List<string> Words(string line, int number)
    {
        var words = new List<string>();
        int at = 0;
        SkipBlanks(line, ref at);
        while (at < line.Length)
        {
            words.Add(ReadWord(line, ref at, number));
            SkipBlanks(line, ref at);
        }

        return words;
    }

    private static void SkipBlanks(string line, ref int at)
    {
        while (at < line.Length && line[at] is ' ' or '\t') { at++; }
    }

    // A bare word, or a text in quotes: double ones with escapes, single ones as they stand.
    private static string ReadWord(string line, ref int at, int number, char? end = null)
    {
        SkipBlanks(line, ref at);
        if (at >= line.Length) { throw new TxnTextException(number, "the line ends too early"); }
        char quote = line[at];
        var word = new StringBuilder();
        if (quote is not ('"' or '\''))
        {
            while (at < line.Length && line[at] != end && line[at] is not (' ' or '\t')) { word.Append(line[at++]); }
            return word.ToString();
        }

        for (at++; at < line.Length && line[at] != quote; at++)
        {
            char c = line[at];
            if (c == '\\' && quote == '"' && at + 1 < line.Length)
            {
                c = line[++at];
                c = c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', '0' => '\0', _ => c };
            }

            word.Append(c);
        }

        if (at >= line.Length) { throw new TxnTextException(number, $"a closing {quote} is missing"); }
        at++;
        return word.ToString();
    }

    private static long Number(string text, int number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new TxnTextException(number, $"'{text}' is not a whole number");

    // Lease ids are hexadecimal wherever people write them, as in etcdctl.
    private static long LeaseId(string text, int number) =>
        long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new TxnTextException(number, $"'{text}' is not a lease id in hexadecimal");
}
