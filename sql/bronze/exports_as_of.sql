-- The exports that were archived by a run whose cut isn't after ${as_of_ms}.
SELECT * FROM archived
WHERE archived_at <= ${as_of_ms}
