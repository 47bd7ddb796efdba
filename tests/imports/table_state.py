"""All that an import leaves, as plain values: for comparing two imports of the same archive.

Clocks, surrogate ids and the place of the source are left out; a ride is named by its themeparks_wiki_id, since ride_id
(and so snapshot_id) is the server's own numbering.
"""

import hashlib

from django.db import connection

_QUERIES = {
    "snapshots": """
        SELECT r.themeparks_wiki_id, s.snapshot_id >> 20, s.recorded_at, s.status, s.wait_time, s.computed_is_open,
               s.wait_told, s.data_source
        FROM ride_status_snapshots s LEFT JOIN rides r ON r.ride_id = s.ride_id""",
    "queue rows": """
        SELECT r.themeparks_wiki_id, q.snapshot_id >> 20, q.queue_type, q.wait_time_minutes, q.return_time_start,
               q.return_time_end, q.price_amount, q.price_currency, q.boarding_group_status,
               q.boarding_group_current, q.return_time_state
        FROM queue_data q LEFT JOIN rides r ON r.ride_id = q.snapshot_id & 1048575""",
    "rides": """
        SELECT r.themeparks_wiki_id, r.ride_name, p.themeparks_wiki_id, p.park_name, p.timezone, p.destination_wiki_id
        FROM rides r JOIN parks p ON p.park_id = r.park_id""",
    "ledger": """
        SELECT p.themeparks_wiki_id, f.file_date, f.destination_wiki_id, f.source_file, f.outcome, f.sha256,
               f.size_bytes, f.events_read, f.stored, f.already_known, f.duplicates, f.rejected
        FROM import_files f JOIN parks p ON p.park_id = f.park_id""",
    "findings": """
        SELECT fingerprint, issue_type, reason, entity_type, IF(timestamp_end IS NULL, NULL, timestamp_start),
               timestamp_end, REGEXP_REPLACE(description, ' --source [^ ]+', ''), resolution_status, occurrences,
               source_file,
               REGEXP_REPLACE(evidence, '"(ride_id|from_park_id|to_park_id)": [0-9]+', '')
        FROM data_quality_log""",  # without an end a finding is about now: the clock
}


def table_state() -> dict[str, tuple[int, str]]:
    """(rows, hash of all rows whatever their order) by table."""
    state = {}
    with connection.cursor() as cursor:
        for name, query in _QUERIES.items():
            cursor.execute(query)
            rows = sorted(repr(row) for row in cursor.fetchall())
            state[name] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    return state
