using Google.Protobuf;
using Quorate.FrontDoors.Etcd.Protos;

namespace Quorate.FrontDoors.Etcd;

// v3lockpb.Lock.
internal sealed partial class EtcdService
{
    public ValueTask<EtcdResult> Lock(LockRequest request, EtcdCall call) => ServeRecipe(call, async inner =>
    {
        (QueuePlace? place, EtcdError? error) = await Enqueue(request.Name, request.Lease, ByteString.Empty, inner).ConfigureAwait(false);
        if (place is null) { return error!; }
        ResponseHeader? header = place.Header;
        if (!place.IsFirst)
        {
            (header, error) = await WaitToBeFirst(place, EtcdErrors.LockSessionExpired, inner).ConfigureAwait(false);
            if (header is null) { return error!; }
        }

        return EtcdResult.Of(new LockResponse { Header = header, Key = place.Key });
    });

    public ValueTask<EtcdResult> Unlock(UnlockRequest request, EtcdCall call) => ServeRecipe(call, async inner =>
    {
        EtcdResult deleted = await DeleteRange(new DeleteRangeRequest { Key = request.Key }, inner).ConfigureAwait(false);
        return deleted.Response is DeleteRangeResponse response
            ? EtcdResult.Of(new UnlockResponse { Header = response.Header })
            : deleted;
    });
}
