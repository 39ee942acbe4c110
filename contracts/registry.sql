-- The built-in schema registry: data.dir/registry.db. Statements of src/bus/registry_sqlite.c.
--
-- As in Confluent's registry an id names a schema, not a subject's version: the same schema (by its canonical form) has
-- one id wherever it is used. Nothing is ever removed, so ids stay.

-- name: schema
CREATE TABLE schemas (
  schema_id INTEGER PRIMARY KEY,
  canonical TEXT NOT NULL UNIQUE, -- Parsing Canonical Form
  schema    TEXT NOT NULL         -- as it was first registered
) STRICT;

CREATE TABLE versions (
  subject   TEXT NOT NULL,
  version   INTEGER NOT NULL,
  schema_id INTEGER NOT NULL REFERENCES schemas,
  PRIMARY KEY (subject, version),
  UNIQUE (subject, schema_id)
) STRICT, WITHOUT ROWID;

-- name: find_version
SELECT schema_id FROM versions JOIN schemas USING (schema_id) WHERE subject = ?1 AND canonical = ?2;

-- name: latest
SELECT version, schema FROM versions JOIN schemas USING (schema_id) WHERE subject = ?1
ORDER BY version DESC LIMIT 1;

-- name: find_schema
SELECT schema_id FROM schemas WHERE canonical = ?1;

-- name: add_schema
INSERT INTO schemas (canonical, schema) VALUES (?1, ?2);

-- name: add_version
INSERT INTO versions (subject, version, schema_id) VALUES (?1, ?2, ?3);

-- name: read_schema
SELECT schema FROM schemas WHERE schema_id = ?1;
