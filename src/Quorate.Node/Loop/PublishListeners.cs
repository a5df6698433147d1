using System.Collections.Immutable;
using Quorate.Core;

namespace Quorate.Node.Loop;

/// <summary>Who wants to know that a shard shows more than before. Any thread adds and removes, the loop tells.</summary>
internal sealed class PublishListeners
{
    private ImmutableArray<Listener> _listeners = [];

    public IDisposable Add(ShardId shard, Action published)
    {
        var listener = new Listener(this, shard, published);
        ImmutableInterlocked.Update(ref _listeners, static (list, added) => list.Add(added), listener);
        return listener;
    }

    public void Tell(ShardId shard)
    {
        foreach (Listener listener in _listeners)
        {
            if (listener.Shard == shard) { listener.Published(); }
        }
    }

    private sealed class Listener(PublishListeners owner, ShardId shard, Action published) : IDisposable
    {
        public ShardId Shard { get; } = shard;

        public Action Published { get; } = published;

        public void Dispose() =>
            ImmutableInterlocked.Update(ref owner._listeners, static (list, removed) => list.Remove(removed), this);
    }
}
