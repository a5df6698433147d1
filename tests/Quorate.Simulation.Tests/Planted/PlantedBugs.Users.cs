using System.Collections.Immutable;

namespace Quorate.Simulation.Tests.Planted;

internal static partial class PlantedBugs
{
    private const string AccessRules = "src/Quorate.StateMachines/KeyValue/Auth/AccessRules.cs";
    private const string AuthBook = "src/Quorate.StateMachines/KeyValue/Auth/AuthBook.cs";
    private const string UserAccess = "src/Quorate.StateMachines/KeyValue/Auth/KvUserAccess.cs";

    private static ImmutableArray<PlantedBug> InUsers =>
    [
        new("permissions-are-remembered-for-ever", 0, UserAccess,
            "if (_revision != revision || _users.Count >= MostUsers) { _users.Clear(); }", "if (_users.Count >= MostUsers) { _users.Clear(); }") { Scenario = "users" },
        new("a-role-that-is-taken-away-stays-remembered", 0, AuthBook,
            "AuthStore.WriteUser(store, user with { Roles = user.Roles.Remove(role) });\nChanged(store);",
            "AuthStore.WriteUser(store, user with { Roles = user.Roles.Remove(role) });") { Scenario = "users", From = 2 },
        new("a-write-in-a-transaction-is-not-judged", 0, AccessRules, "return Allow(txn.Success) && Allow(txn.Failure);", "return true;") { Scenario = "users" },
    ];
}
