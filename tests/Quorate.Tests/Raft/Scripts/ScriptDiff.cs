namespace Quorate.Tests.Raft.Scripts;

/// <summary>A line diff for failure messages: what is gone has a minus, what is new a plus.</summary>
internal static class ScriptDiff
{
    public static string Of(IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        // Longest common subsequence; outputs of one command are short enough for the quadratic table.
        int[,] common = new int[expected.Count + 1, actual.Count + 1];
        for (int i = expected.Count - 1; i >= 0; i--)
        {
            for (int j = actual.Count - 1; j >= 0; j--)
            {
                common[i, j] = expected[i] == actual[j]
                    ? common[i + 1, j + 1] + 1
                    : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        List<string> lines = [];
        for (int i = 0, j = 0; i < expected.Count || j < actual.Count;)
        {
            if (i < expected.Count && j < actual.Count && expected[i] == actual[j])
            {
                lines.Add($"  {expected[i]}");
                i++;
                j++;
            }
            else if (j == actual.Count || (i < expected.Count && common[i + 1, j] >= common[i, j + 1]))
            {
                lines.Add($"- {expected[i++]}");
            }
            else
            {
                lines.Add($"+ {actual[j++]}");
            }
        }

        return string.Join('\n', lines);
    }
}
