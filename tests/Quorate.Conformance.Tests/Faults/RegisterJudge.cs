using System.Globalization;
using System.Text.Json.Nodes;
using Quorate.Simulation;

namespace Quorate.Conformance.Tests.Faults;

/// <summary>Reads a history of registers and asks whether it is linearizable.</summary>
internal static class RegisterJudge
{
    /// <summary>What is wrong; null if nothing.</summary>
    public static string? Check(string path)
    {
        var history = new History();
        var open = new Dictionary<int, RegisterOperation>();
        var keys = new Dictionary<string, int>();
        foreach (string line in File.ReadLines(path))
        {
            JsonNode json = JsonNode.Parse(line)!;
            if (json["process"]!.GetValueKind() == System.Text.Json.JsonValueKind.String) { continue; }
            int process = json["process"]!.GetValue<int>();
            string key = json["key"]!.GetValue<string>();
            long time = json["time"]!.GetValue<long>();
            if (json["type"]!.GetValue<string>() == "invoke")
            {
                if (!keys.TryGetValue(key, out int number)) { keys.Add(key, number = keys.Count); }
                JsonNode? value = json["value"];
                open[process] = new RegisterOperation
                {
                    Process = process,
                    Key = number,
                    Action = json["f"]!.GetValue<string>() switch
                    {
                        "read" => RegisterAction.Read,
                        "write" => RegisterAction.Write,
                        _ => RegisterAction.CompareAndSet,
                    },
                    Value = value is JsonArray pair ? pair[1]!.GetValue<long>() : value?.GetValue<long>() ?? 0,
                    Expected = value is JsonArray both ? both[0]?.GetValue<long>() ?? 0 : 0,
                    Invoked = time,
                };
                history.Add(open[process]);
                continue;
            }

            RegisterOperation operation = open[process];
            switch (json["type"]!.GetValue<string>())
            {
                case "ok":
                    operation.Returned = time;
                    operation.Matched = json["applied"] is null;
                    operation.Seen = operation.Action == RegisterAction.Read ? json["value"]?.GetValue<long>() ?? 0 : 0;
                    break;
                case "fail":
                    history.Remove(operation);
                    break;
            }
        }

        try
        {
            Linearizability.Check(history);
            return null;
        }
        catch (NotLinearizableException e)
        {
            string names = string.Join(", ", keys.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value} is {pair.Key}")));
            return $"{e.Message}\n{names}";
        }
    }
}
