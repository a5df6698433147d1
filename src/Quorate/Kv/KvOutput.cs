using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.Kv;

/// <summary>Answers as text or JSON.</summary>
internal static class KvOutput
{
    // The gateway's form of the messages: snake_case, 64-bit numbers as texts, bytes in base64, zeros left out.
    private static readonly JsonFormatter Formatter =
        new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    /// <summary>One line of JSON, in the same form as the JSON gateway's answers.</summary>
    public static void Json(TextWriter output, IMessage message) => output.WriteLine(Formatter.Format(message));

    /// <summary>Keys and values, a line each, as etcdctl prints them.</summary>
    public static void Keys(TextWriter output, IEnumerable<KeyValue> kvs, bool keysOnly, bool valuesOnly)
    {
        foreach (KeyValue kv in kvs)
        {
            if (!valuesOnly) { Line(output, kv.Key); }
            if (!keysOnly) { Line(output, kv.Value); }
        }
    }

    /// <summary>A transaction's answer.</summary>
    public static void Txn(TextWriter output, TxnResponse response)
    {
        output.WriteLine(response.Succeeded ? "SUCCESS" : "FAILURE");
        foreach (ResponseOp op in response.Responses)
        {
            output.WriteLine();
            switch (op.ResponseCase)
            {
                case ResponseOp.ResponseOneofCase.ResponseRange: Keys(output, op.ResponseRange.Kvs, false, false); break;
                case ResponseOp.ResponseOneofCase.ResponsePut: output.WriteLine("OK"); break;
                case ResponseOp.ResponseOneofCase.ResponseDeleteRange: output.WriteLine(op.ResponseDeleteRange.Deleted); break;
                case ResponseOp.ResponseOneofCase.ResponseTxn: Txn(output, op.ResponseTxn); break;
                default: break; // An answer of a newer server: the JSON form shows it.
            }
        }
    }

    // Bytes go out as they are, so that binary values survive a pipe; a test's writer gets their text.
    private static void Line(TextWriter output, ByteString bytes)
    {
        if (ReferenceEquals(output, Console.Out))
        {
            output.Flush();
            using Stream stdout = Console.OpenStandardOutput();
            stdout.Write(bytes.Span);
            stdout.WriteByte((byte)'\n');
            return;
        }

        output.WriteLine(bytes.ToStringUtf8());
    }
}
