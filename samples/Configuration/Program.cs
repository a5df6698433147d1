// Settings that change while the program runs. Start it, open http://127.0.0.1:5080, then
//   etcdctl put config/shop/Greeting hello      (or: quorate kv put config/shop/Greeting hello)
// and reload the page.
//   dotnet run --project samples/Configuration -- http://127.0.0.1:2379 --urls http://127.0.0.1:5080
using Microsoft.Extensions.Options;
using Quorate.Client;

string[] endpoints = args.Length > 0 ? args[0].Split(',') : ["http://127.0.0.1:2379"];
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration.AddQuorate(source =>
{
    foreach (string endpoint in endpoints) { source.Client.Endpoints.Add(new Uri(endpoint)); }
    source.Prefix = "config/shop/";
});
builder.Services.Configure<ShopOptions>(builder.Configuration);

WebApplication app = builder.Build();
app.MapGet("/", (IOptionsMonitor<ShopOptions> shop) => shop.CurrentValue.Greeting);
app.Run();

/// <summary>What can be set.</summary>
internal sealed class ShopOptions
{
    public string Greeting { get; set; } = "no greeting is set";
}
