-- What the event generator remembers across restarts: one file, data.dir/events.db.

-- name: schema
CREATE TABLE producers (
    producer TEXT    NOT NULL,
    epoch    INTEGER NOT NULL, -- the last one that was taken
    PRIMARY KEY (producer)
) WITHOUT ROWID;

-- name: take_epoch
INSERT INTO producers (producer, epoch) VALUES (?1, ?2)
    ON CONFLICT (producer) DO UPDATE SET epoch = max(epoch + 1, excluded.epoch)
    RETURNING epoch;
