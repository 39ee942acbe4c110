-- The days of what waits to be stored: of each its first hour.
SELECT DISTINCT day AS hour FROM incoming ORDER BY hour
