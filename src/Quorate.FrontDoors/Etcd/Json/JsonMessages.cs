using System.Buffers;
using System.Collections;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Quorate.Core;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// Writes a message in the shape of etcd's gateway: names as in the proto files, 64-bit numbers as strings, enums by name,
/// bytes as base64, what has its default value left out, no spaces.
/// </summary>
internal static class JsonMessages
{
    /// <summary>No escapes but those JSON demands: etcd's clients compare texts.</summary>
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(IBufferWriter<byte> output, IMessage message)
    {
        using var json = new Utf8JsonWriter(output, Options);
        Write(json, message);
    }

    /// <summary>Writes one message that comes in parts, each as soon as the one before is on its way.</summary>
    /// <exception cref="AnswerCutException">A part cannot be read any more; what was written is not a whole object.</exception>
    public static async Task WriteAsync(PipeWriter output, EtcdParts parts, CancellationToken stop)
    {
        await using var json = new Utf8JsonWriter((IBufferWriter<byte>)output, Options);
        FieldDescriptor? openArray = null;
        json.WriteStartObject();
        await foreach (IMessage part in parts.Messages)
        {
            WriteFields(json, part, ref openArray);
            json.Flush();
            FlushResult flushed = await output.FlushAsync(stop);
            if (flushed.IsCompleted) { throw new OperationCanceledException("nobody reads the answer"); }
        }

        if (openArray is not null) { json.WriteEndArray(); }
        json.WriteEndObject();
    }

    // Recurses no deeper than our own answers nest, which the limits on transactions bound.
    private static void Write(Utf8JsonWriter json, IMessage message)
    {
        FieldDescriptor? openArray = null;
        json.WriteStartObject();
        WriteFields(json, message, ref openArray);
        if (openArray is not null) { json.WriteEndArray(); }
        json.WriteEndObject();
    }

    // The last array stays open: the next part of the message may go on with it.
    private static void WriteFields(Utf8JsonWriter json, IMessage message, ref FieldDescriptor? openArray)
    {
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            if (IsLeftOut(field, message)) { continue; }
            object value = field.Accessor.GetValue(message);
            if (field != openArray)
            {
                if (openArray is not null) { json.WriteEndArray(); }
                openArray = field.IsRepeated ? field : null;
                json.WritePropertyName(field.Name);
                if (field.IsRepeated) { json.WriteStartArray(); }
            }

            if (!field.IsRepeated) { WriteValue(json, field, value); }
            else { foreach (object item in (IList)value) { WriteValue(json, field, item); } }
        }
    }

    private static bool IsLeftOut(FieldDescriptor field, IMessage message)
    {
        if (field.IsRepeated) { return ((IList)field.Accessor.GetValue(message)).Count == 0; }
        if (field.HasPresence) { return !field.Accessor.HasValue(message); }
        object value = field.Accessor.GetValue(message);
        return value switch
        {
            long number => number == 0,
            ulong number => number == 0,
            uint number => number == 0,
            bool flag => !flag,
            string text => text.Length == 0,
            ByteString bytes => bytes.Length == 0,
            Enum name => Convert.ToInt32(name, CultureInfo.InvariantCulture) == 0,
            _ => throw Invariant.Unreachable(field.FullName),
        };
    }

    private static void WriteValue(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        switch (value)
        {
            case IMessage message: Write(json, message); break;
            case long number: json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); break;
            case ulong number: json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); break;
            case uint number: json.WriteNumberValue(number); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case string text: json.WriteStringValue(text); break;
            case ByteString bytes: json.WriteBase64StringValue(bytes.Span); break;
            case Enum:
                int enumNumber = Convert.ToInt32(value, CultureInfo.InvariantCulture);
                EnumValueDescriptor? name = field.EnumType.FindValueByNumber(enumNumber);
                if (name is null) { json.WriteNumberValue(enumNumber); }
                else { json.WriteStringValue(name.Name); }

                break;
            default: throw Invariant.Unreachable(field.FullName);
        }
    }
}
