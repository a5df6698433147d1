# Writes rows 1, 2, 3, ... to whichever PostgreSQL is primary, and notes in a file each row whose commit was acknowledged.
# A row whose commit failed may be there or not; its number is not used again.
# usage: writer.py PORT,PORT FILE
import sys
import time

import psycopg2

ports, acknowledged = sys.argv[1], open(sys.argv[2], "a", buffering=1)
hosts = ",".join("127.0.0.1" for _ in ports.split(","))
target = (
    f"host={hosts} port={ports} dbname=postgres user=postgres password=super target_session_attrs=read-write "
    "connect_timeout=3 tcp_user_timeout=5000 options='-c statement_timeout=5000'"
)
connection, row = None, 0
while True:
    try:
        if connection is None:
            connection = psycopg2.connect(target)
            connection.cursor().execute("CREATE TABLE IF NOT EXISTS rows (id bigint PRIMARY KEY, written timestamptz DEFAULT now())")
            connection.commit()
        row += 1
        cursor = connection.cursor()
        cursor.execute("INSERT INTO rows (id) VALUES (%s)", (row,))
        connection.commit()
        # "Cancelled while waiting for the standby": committed here, not there. PostgreSQL warns of it; such a row is not acknowledged.
        if not connection.notices:
            acknowledged.write(f"{row}\n")
        connection.notices.clear()
        time.sleep(0.02)
    except psycopg2.Error as failure:
        print(f"row {row}: {failure}".strip().replace("\n", "; "), flush=True)
        if connection is not None:
            connection.close()
        connection = None
        time.sleep(0.2)
