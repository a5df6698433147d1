using System.Collections.Immutable;

namespace Quorate.Client;

/// <summary>Which endpoint is asked next: in turns, without those that failed a short while ago. Any thread.</summary>
internal sealed class EndpointSet(IEnumerable<Uri> endpoints, TimeProvider time)
{
    private static readonly TimeSpan FirstPenalty = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MostPenalty = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private readonly ImmutableArray<Place> _places = [.. endpoints.Select(static uri => new Place(uri))];
    private readonly long _start = time.GetTimestamp();
    private int _turn = Random.Shared.Next(1 << 20); // Many clients that start at once should not all begin with the same member.

    public int Count => _places.Length;

    /// <summary>The next one in turn that is well; if none is, the one that will be again first.</summary>
    public Uri Choose()
    {
        lock (_gate)
        {
            TimeSpan now = time.GetElapsedTime(_start);
            for (int i = 0; i < _places.Length; i++)
            {
                Place place = _places[_turn++ % _places.Length];
                _turn &= int.MaxValue;
                if (place.PenaltyEnds <= now) { return place.Uri; }
            }

            return _places.MinBy(static place => place.PenaltyEnds)!.Uri;
        }
    }

    /// <summary>Whether one is left that did not fail lately.</summary>
    public bool HasHealthy()
    {
        lock (_gate)
        {
            TimeSpan now = time.GetElapsedTime(_start);
            return _places.Any(place => place.PenaltyEnds <= now);
        }
    }

    public void Succeeded(Uri endpoint)
    {
        lock (_gate)
        {
            Place place = Find(endpoint);
            (place.Failures, place.PenaltyEnds) = (0, TimeSpan.Zero);
        }
    }

    /// <summary>Leaves it out: half a second, and twice as long with each failure in a row.</summary>
    public void Failed(Uri endpoint)
    {
        lock (_gate)
        {
            Place place = Find(endpoint);
            TimeSpan penalty = FirstPenalty * Math.Pow(2, Math.Min(place.Failures++, 10));
            place.PenaltyEnds = time.GetElapsedTime(_start) + (penalty < MostPenalty ? penalty : MostPenalty);
        }
    }

    private Place Find(Uri endpoint) => _places.First(place => place.Uri == endpoint);

    private sealed class Place(Uri uri)
    {
        public Uri Uri { get; } = uri;

        public int Failures { get; set; }

        public TimeSpan PenaltyEnds { get; set; }
    }
}
