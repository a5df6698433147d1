# A client of python3-etcd3 that does what it is told, one line at a time: "METHOD base64 of the request" on stdin, and on stdout
# "ok base64 of the response" or "error CODE text".
import base64
import sys

import etcd3
import etcd3.etcdrpc as rpc
import grpc

host, port, timeout = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
kv = etcd3.client(host=host, port=port, timeout=timeout).kvstub
methods = {
    'PutRequest': (kv.Put, rpc.PutRequest),
    'RangeRequest': (kv.Range, rpc.RangeRequest),
    'DeleteRangeRequest': (kv.DeleteRange, rpc.DeleteRangeRequest),
    'TxnRequest': (kv.Txn, rpc.TxnRequest),
}
for line in sys.stdin:
    name, body = line.split()
    call, message = methods[name]
    try:
        response = call(message.FromString(base64.b64decode(body)), timeout)
        print('ok', base64.b64encode(response.SerializeToString()).decode(), flush=True)
    except grpc.RpcError as error:
        print('error', error.code().name, repr(error.details()), flush=True)
