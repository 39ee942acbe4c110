-- One partition of an archive of the bus. The rows stay in the order in which they came: of a run by partition and offset.
SELECT * FROM incoming
WHERE append_time >= ${from_ms} AND append_time < ${to_ms}
