namespace Quorate.Simulation.Checkers;

/// <summary>The table of models. To add one: its class, and a line here.</summary>
public static class Models
{
    /// <summary>Linearizable registers.</summary>
    public static IModel Register { get; } = new RegisterModel();

    /// <summary>All models.</summary>
    public static IReadOnlyList<IModel> All { get; } =
    [
        new AppendModel(),
        Register,
        new SetModel(),
        new EtcdModel(),
        new LockModel(),
        new LeaseModel(),
        new LogModel(),
        new UserModel(),
    ];

    /// <summary>The model of this name; null if there is none.</summary>
    public static IModel? Find(string name) => All.FirstOrDefault(model => model.Name == name);
}
