using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Quorate.Core;

namespace Quorate.FrontDoors.Etcd;

/// <summary>
/// Reads a request's JSON as etcd 3.6's gateway does: names as in the proto files or in camel case, 64-bit numbers as numbers or text and exact
/// to the last digit, enums by name or number, bytes in any base64, null for what is left out, unknown fields ignored.
/// </summary>
internal static class JsonRequests
{
    /// <summary>Messages within each other; deeper ones are refused. Far above what etcd's limit on transactions allows.</summary>
    public const int MaxDepth = 100;

    // Lists count in JSON, but not above.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 2 * MaxDepth };

    /// <summary>Reads one message.</summary>
    /// <param name="json">One object, and nothing but space around it.</param>
    /// <param name="type">The message's type.</param>
    /// <exception cref="JsonException">It is no JSON, or does not fit; the text says what and where.</exception>
    public static IMessage Read(ReadOnlySequence<byte> json, MessageDescriptor type)
    {
        var reader = new Utf8JsonReader(json, Options);
        try
        {
            reader.Read();
            IMessage message = ReadMessage(ref reader, type, 1);
            reader.Read(); // Throws unless it is the end.
            return message;
        }
        catch (InvalidOperationException)
        {
            // What the reader says of texts.
            throw new JsonException("a text is not valid UTF-8, or has half of a surrogate pair");
        }
    }

    private static IMessage ReadMessage(ref Utf8JsonReader reader, MessageDescriptor type, int depth)
    {
        if (reader.TokenType != JsonTokenType.StartObject) { throw new JsonException($"{type.Name} must be an object"); }
        if (depth > MaxDepth) { throw new JsonException($"messages stand in each other more than {MaxDepth} deep"); }
        IMessage message = type.Parser.ParseFrom(ByteString.Empty);
        ulong given = 0; // A bit for each field; no message of etcd's has half as many.
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            FieldDescriptor? field = Find(type, reader.GetString()!);
            reader.Read();
            if (field is null)
            {
                reader.Skip();
                continue;
            }

            if (reader.TokenType == JsonTokenType.Null) { continue; }
            if ((given & (1UL << field.Index)) != 0) { throw new JsonException($"field \"{field.Name}\" is given twice"); }
            given |= 1UL << field.Index;
            if (field.ContainingOneof?.Accessor.GetCaseFieldDescriptor(message) is { } other)
            {
                throw new JsonException($"fields \"{other.Name}\" and \"{field.Name}\" exclude each other");
            }

            if (field.IsRepeated) { ReadList(ref reader, field, (IList)field.Accessor.GetValue(message), depth); }
            else { field.Accessor.SetValue(message, ReadValue(ref reader, field, depth)); }
        }

        return message;
    }

    private static FieldDescriptor? Find(MessageDescriptor type, string name) =>
        type.FindFieldByName(name) ?? type.Fields.InFieldNumberOrder().FirstOrDefault(field => field.JsonName == name);

    private static void ReadList(ref Utf8JsonReader reader, FieldDescriptor field, IList items, int depth)
    {
        if (reader.TokenType != JsonTokenType.StartArray) { throw Unfit(field, "a list"); }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) { items.Add(ReadValue(ref reader, field, depth)); }
    }

    private static object ReadValue(ref Utf8JsonReader reader, FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Message => ReadMessage(ref reader, field.MessageType, depth + 1),
        FieldType.Bool => reader.TokenType is JsonTokenType.True or JsonTokenType.False ? reader.GetBoolean() : throw Unfit(field, "true or false"),
        FieldType.String => reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw Unfit(field, "a text"),
        FieldType.Bytes => ReadBytes(ref reader, field),
        FieldType.Int64 => (long)ReadNumber(ref reader, field, long.MinValue, long.MaxValue),
        FieldType.UInt64 => (ulong)ReadNumber(ref reader, field, ulong.MinValue, ulong.MaxValue),
        FieldType.UInt32 => (uint)ReadNumber(ref reader, field, uint.MinValue, uint.MaxValue),
        FieldType.Enum => ReadEnum(ref reader, field),
        _ => throw Invariant.Unreachable(field.FullName),
    };

    private static object ReadEnum(ref Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType == JsonTokenType.Number) { return (int)ReadNumber(ref reader, field, int.MinValue, int.MaxValue); }
        string name = reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
        return field.EnumType.FindValueByName(name)?.Number ?? throw Unfit(field, "one of " + string.Join(", ", field.EnumType.Values.Select(static v => v.Name)));
    }

    // A decimal holds all of 64 bits exactly; a double, which JSON's numbers often pass through, does not.
    private static decimal ReadNumber(ref Utf8JsonReader reader, FieldDescriptor field, decimal least, decimal most)
    {
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        decimal number = 0;
        bool isNumber = reader.TokenType switch
        {
            JsonTokenType.Number => reader.TryGetDecimal(out number),
            JsonTokenType.String => decimal.TryParse(reader.GetString()!, Styles, CultureInfo.InvariantCulture, out number),
            _ => false,
        };
        return isNumber && number == decimal.Truncate(number) && number >= least && number <= most
            ? number
            : throw Unfit(field, $"a whole number from {least} to {most}");
    }

    private static ByteString ReadBytes(ref Utf8JsonReader reader, FieldDescriptor field)
    {
        if (reader.TokenType != JsonTokenType.String) { throw Unfit(field, "base64"); }
        if (reader.TryGetBytesFromBase64(out byte[]? bytes)) { return UnsafeByteOperations.UnsafeWrap(bytes); }

        // The other alphabet, or no padding.
        string text = reader.GetString()!.Replace('-', '+').Replace('_', '/');
        if (!text.Contains('=')) { text = text.PadRight((text.Length + 3) / 4 * 4, '='); }
        bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int length)
            ? UnsafeByteOperations.UnsafeWrap(bytes.AsMemory(0, length))
            : throw Unfit(field, "base64");
    }

    private static JsonException Unfit(FieldDescriptor field, string wanted) => new($"field \"{field.Name}\" must be {wanted}");
}
