using System.Text.Json.Nodes;
using Google.Protobuf;
using Quorate.Core;
using Quorate.FrontDoors.Etcd.Client;
using Quorate.FrontDoors.Etcd.Protos;
using Quorate.Simulation.Checkers;
using Quorate.Simulation.Etcd;

namespace Quorate.Simulation;

// The watchers beside the clients: each watches a range on some node, leaves or loses its stream, and resumes elsewhere.
public sealed partial record EtcdWorkload
{
    /// <summary>Watches that are open at any time. Default: 3.</summary>
    public int Watches { get; init; } = 3;

    /// <inheritdoc/>
    public override void Start(SimCluster cluster, long end)
    {
        base.Start(cluster, end);
        Prng random = cluster.StreamFor($"{Name} watches at {cluster.Now}");
        SimEtcdDoor door = cluster.EtcdOf(Shard);
        for (int i = 0; i < Watches; i++) { new Watching(this, door, end, random.Split((ulong)i)).Open(); }
    }

    /// <summary>One watch and its successors. Each is a process of its own in the history.</summary>
    private sealed class Watching(EtcdWorkload workload, SimEtcdDoor door, long end, Prng random)
    {
        private readonly SimCluster _cluster = door.Cluster;
        private WatchCreateRequest _request = new();
        private SimEtcdConnection? _connection;
        private int _process;
        private int _opened;
        private string _function = "";
        private long _next;
        private bool _wasBroken;

        public void Open()
        {
            if (_cluster.Now >= end) { return; }
            if (_next == 0 || random.Chance(1, 4)) { Choose(); }
            _request.StartRevision = _next;
            _process = workload.BeginAlone();
            Invoke("watch", EtcdMembers.Of(_request));
            int opened = ++_opened;
            _connection = new SimEtcdConnection(
                door, random.Below(_cluster.Nodes.Length), EtcdMethods.Watch.Path, random.Split(random.Next()),
                bytes =>
                {
                    if (opened == _opened) { Take(WatchResponse.Parser.ParseFrom(bytes)); }
                },
                _ =>
                {
                    if (opened == _opened) { Again(isBroken: true); }
                });
            _connection.Write(new WatchRequest { CreateRequest = _request }.ToByteArray());
            Live(opened);
        }

        private void Choose()
        {
            (string key, string rangeEnd) = random.Below(3) switch
            {
                0 => (workload.KeyOf(random), ""),
                1 => ("k", "l"),
                _ => workload.SpanOf(random),
            };
            _request = new WatchCreateRequest
            {
                Key = Bytes(key),
                RangeEnd = Bytes(rangeEnd),
                PrevKv = random.Chance(1, 2),
                ProgressNotify = random.Chance(1, 2),
            };
            if (random.Chance(1, 6)) { _request.Filters.Add(WatchCreateRequest.Types.FilterType.Noput); }
            if (random.Chance(1, 6)) { _request.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete); }
            _next = random.Chance(1, 3) ? Math.Max(1, workload._newest - random.Below(20)) : 0;
        }

        // Asks for progress now and then, and leaves some day.
        private void Live(int opened) => _cluster.After(random.Between(10_000, 1_500_000), () =>
        {
            if (opened != _opened) { return; }
            if (_cluster.Now >= end || random.Chance(1, 4))
            {
                _connection!.Close();
                Again(isBroken: false);
                return;
            }

            _connection!.Write(new WatchRequest { ProgressRequest = new() }.ToByteArray());
            Live(opened);
        });

        private void Again(bool isBroken)
        {
            _opened++;
            _wasBroken = isBroken;
            Note(HistoryEventType.Fail, _function, []);
            workload.EndAlone();
            _cluster.After(random.Between(1_000, random.Chance(1, 4) ? 4_000_000 : 200_000), Open);
        }

        private void Take(WatchResponse response)
        {
            if (response.Created && !response.Canceled)
            {
                Note(HistoryEventType.Ok, "watch", new() { ["revision"] = response.Header.Revision });
                Invoke("watch-next", []);
                if (_next == 0) { _next = response.Header.Revision + 1; }
                return;
            }

            if (response.Canceled)
            {
                // What was not told is gone: begin at what is there.
                _cluster.Demand(response.CompactRevision > _next, SimNet.Histories, $"a watch from {_next} was cancelled: {response}");
                if (_wasBroken) { _cluster.Strike("K3", "resumed-too-late", 0); }
                _next = response.CompactRevision;
                _connection!.Close();
                Again(isBroken: false);
                return;
            }

            Note(HistoryEventType.Ok, "watch-next", EtcdMembers.Of(response));
            Invoke("watch-next", []);
            _next = Math.Max(_next, 1 + (response.Events.Count > 0 ? response.Events[^1].Kv.ModRevision : response.Header.Revision));
        }

        private void Invoke(string function, JsonObject more)
        {
            _function = function;
            Note(HistoryEventType.Invoke, function, more);
        }

        private void Note(HistoryEventType type, string function, JsonObject more) =>
            workload.History.Add(HistoryEvent.Create(_process, type, function, _cluster.Now, more: Members(more)));
    }
}
