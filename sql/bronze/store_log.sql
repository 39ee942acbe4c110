-- One partition of an archive of the bus, in the order of the log.
SELECT * FROM incoming
WHERE append_time >= ${from_ms} AND append_time < ${to_ms}
ORDER BY log_partition, log_offset
