using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Node.Loop;

/// <summary>Who wants to know that a shard shows more than before. Any thread adds and removes, the loop tells.</summary>
internal sealed class PublishListeners
{
    private ImmutableDictionary<ShardId, ImmutableArray<Listener>> _listeners = ImmutableDictionary<ShardId, ImmutableArray<Listener>>.Empty;

    public IDisposable Add(ShardId shard, Action published)
    {
        var listener = new Listener(this, shard, published);
        ImmutableInterlocked.Update(
            ref _listeners, static (all, added) => all.SetItem(added.Shard, all.GetValueOrDefault(added.Shard, []).Add(added)), listener);
        return listener;
    }

    public void Tell(ShardId shard)
    {
        if (!_listeners.TryGetValue(shard, out ImmutableArray<Listener> listeners)) { return; }
        foreach (Listener listener in listeners) { listener.Published(); }
    }

    private sealed class Listener(PublishListeners owner, ShardId shard, Action published) : IDisposable
    {
        public ShardId Shard { get; } = shard;

        public Action Published { get; } = published;

        public void Dispose() => ImmutableInterlocked.Update(
            ref owner._listeners,
            static (all, removed) => all.GetValueOrDefault(removed.Shard, []).Remove(removed) is { IsEmpty: false } left
                ? all.SetItem(removed.Shard, left)
                : all.Remove(removed.Shard),
            this);
    }
}
