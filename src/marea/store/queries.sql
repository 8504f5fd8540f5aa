-- Every statement of the state, in the SQL that SQLite and PostgreSQL share.
-- `:name` is a parameter. A line that ends in `-- when NAME` counts only where NAME is given.
-- {words} in braces are the few that differ; each database says its own.

-- name: create_migration
CREATE TABLE migration (number {int} PRIMARY KEY, name text NOT NULL) {plain}

-- name: add_migration
INSERT INTO migration (number, name) VALUES (:number, :name)

-- name: version
SELECT max(number) FROM migration

-- name: create_batch
CREATE TEMPORARY TABLE batch (
    n {row},
    key {key},
    operation text,
    outcome text,
    cause text,
    stamp text,
    fingerprint {int},
    form {int},
    target_id text,
    payload {int},
    changes text,
    attempt {int},
    code text,
    error text,
    field text,
    hint text,
    next_attempt {int},
    blocked_entity {int},
    blocked_key {key},
    target_key {key},
    duration_ms {int},
    digest {int},
    log boolean
) {temporary}

-- name: entity
SELECT id, name, target, mapping, basis, stale FROM entity WHERE name = :name AND target = :target

-- name: entities
SELECT id, name, target, mapping, basis, stale FROM entity ORDER BY id

-- name: add_entity
INSERT INTO entity (name, target) VALUES (:name, :target) ON CONFLICT (name, target) DO NOTHING

-- name: set_mapping
UPDATE entity SET mapping = :mapping WHERE id = :entity

-- name: mark_stale
UPDATE entity SET stale = :mark WHERE id = :entity

-- name: forget_digests
-- What they were noted of may come to other payloads now.
UPDATE record SET digest = NULL WHERE entity = :entity AND digest IS NOT NULL

-- name: end_stale
-- A mark set since stays: what it tells of may have come too late.
UPDATE entity SET stale = NULL WHERE id = :entity AND stale = :mark

-- name: is_stale
SELECT 1 FROM entity WHERE id = :entity AND stale IS NOT NULL

-- name: set_basis
UPDATE entity SET basis = :basis WHERE id = :entity

-- name: begin_anew
UPDATE entity SET mapping = NULL, stale = NULL WHERE id = :entity

-- name: forget_records
DELETE FROM record WHERE entity = :entity

-- name: forget_troubles
DELETE FROM trouble WHERE entity = :entity

-- name: forget_claims
DELETE FROM claim WHERE entity = :entity

-- name: forget_tried
DELETE FROM tried WHERE entity = :entity

-- name: forget_own_ids
DELETE FROM own_id WHERE entity = :entity

-- name: forget_positions
DELETE FROM position WHERE entity = :entity

-- name: add_intent
INSERT INTO intent (entity, fence, n, operation, run, keys, given, standing)
VALUES (:entity, :fence, :n, :operation, :run, :keys, :given, :standing)
ON CONFLICT (entity, fence, n, operation) DO UPDATE SET standing = excluded.standing

-- name: drop_intent
DELETE FROM intent WHERE entity = :entity AND fence = :fence AND n = :n

-- name: drop_intents
DELETE FROM intent WHERE entity = :entity

-- name: intending
SELECT DISTINCT intent.run, intent.standing, run.owner FROM intent JOIN run ON run.id = intent.run
WHERE intent.entity = :entity

-- name: in_doubt
-- Of several operations the create, which comes first by its name, is what may make a second record.
SELECT intended.value, min(intent.operation) FROM intent CROSS JOIN {intended}
WHERE intent.entity = :entity AND intent.run = :run AND intent.standing = :standing
GROUP BY intended.value

-- name: leave_intents
UPDATE intent SET standing = 'left' WHERE entity = :entity AND run = :run

-- name: keep_intents
UPDATE intent SET standing = 'kept' WHERE entity = :entity AND standing = 'open'

-- name: drop_left
DELETE FROM intent WHERE entity = :entity AND standing = 'left'

-- name: mark_intended
INSERT INTO record (entity, key, state, run)
SELECT :entity, intended.value, 'due', max(intent.run) FROM intent CROSS JOIN {intended}
WHERE intent.entity = :entity AND intent.standing <> 'kept' GROUP BY intended.value
ON CONFLICT (entity, key) DO UPDATE SET state = 'due', digest = NULL, run = excluded.run

-- name: note_doubts
INSERT INTO trouble (entity, key, outcome, operation, attempts, next_attempt, code, error, doubt, since, run)
SELECT :entity, intended.value, 'deferred', min(intent.operation), 0, :at, :code,
    'run ' || max(intent.run) || ' did not tell what became of this delivery', min(intent.operation), :at,
    max(intent.run)
FROM intent CROSS JOIN {intended} WHERE intent.entity = :entity AND intent.standing <> 'kept'
GROUP BY intended.value
ON CONFLICT (entity, key) DO UPDATE SET
    outcome = excluded.outcome, operation = excluded.operation, next_attempt = excluded.next_attempt,
    code = excluded.code, error = excluded.error, field = NULL, hint = NULL,
    blocked_entity = NULL, blocked_key = NULL, target_key = NULL, doubt = excluded.doubt, run = excluded.run

-- name: note_tried
INSERT INTO tried (entity, key, target_id, target_key)
SELECT :entity, given.value ->> 0, given.value ->> 1, given.value ->> 2 FROM intent CROSS JOIN {given}
WHERE intent.entity = :entity AND intent.standing <> 'kept'
ON CONFLICT (entity, key, target_id) DO NOTHING

-- name: claim_tried
-- Nobody else is given a key that a record may stand under.
INSERT INTO claim (entity, target_key, key)
SELECT :entity, target_key, key FROM tried WHERE entity = :entity AND target_key IS NOT NULL
ON CONFLICT (entity, target_key) DO NOTHING

-- name: keep_tried
INSERT INTO tried (entity, key, target_id, target_key)
SELECT :entity, batch.key, given.value ->> 1, given.value ->> 2
FROM intent CROSS JOIN {given} JOIN batch ON batch.key = given.value ->> 0
WHERE intent.entity = :entity AND intent.fence = :fence AND intent.n = :n
    AND batch.outcome = 'deferred' AND batch.code NOT IN (:unreachable, :interrupted, :leaving)
ON CONFLICT (entity, key, target_id) DO NOTHING

-- name: has_tried
SELECT 1 FROM tried WHERE entity = :entity LIMIT 1

-- name: clear_tried
DELETE FROM tried WHERE entity = :entity AND key IN (
    SELECT key FROM batch WHERE outcome IN ('created', 'updated', 'deleted'))

-- name: tried
-- But for a key that another record has by now.
SELECT tried.key, tried.target_id FROM tried
LEFT JOIN claim ON claim.entity = tried.entity AND claim.target_key = tried.target_key
WHERE tried.entity = :entity AND (claim.key IS NULL OR claim.key = tried.key)
ORDER BY tried.key, tried.target_id

-- name: positions
SELECT capture, value, moved_at FROM position WHERE entity = :entity

-- name: start_position
INSERT INTO position (entity, capture, value, moved_at) VALUES (:entity, :capture, :new, :at)
ON CONFLICT (entity, capture) DO NOTHING RETURNING capture

-- name: move_position
UPDATE position SET value = :new, moved_at = :at
WHERE entity = :entity AND capture = :capture AND value = :old RETURNING capture

-- name: end_position
DELETE FROM position WHERE entity = :entity AND capture = :capture

-- name: write_entries
INSERT INTO entry (id, run, entity, key, at, operation, outcome, cause, changes, payload, target_id,
    attempt, code, error, field, hint, duration_ms)
SELECT n, :run, :entity, key, :at, operation, outcome, cause, changes, payload, target_id,
    attempt, code, error, field, hint, duration_ms
FROM batch
WHERE operation <> 'delete' AND (log OR outcome IN ('created', 'updated'))

-- name: write_entries_of_deletes
INSERT INTO entry (id, run, entity, key, at, operation, outcome, cause, changes, payload, target_id,
    attempt, code, error, field, hint, duration_ms)
SELECT n, :run, :entity, batch.key, :at, operation, outcome, cause, changes,
    record.payload, coalesce(batch.target_id, record.target_id),
    attempt, code, error, field, hint, duration_ms
FROM batch LEFT JOIN record ON record.entity = :entity AND record.key = batch.key
WHERE operation = 'delete' AND (log OR outcome = 'deleted')

-- name: align_records
INSERT INTO record (entity, key, state, target_id, fingerprint, form, stamp, payload, digest, run)
SELECT :entity, key, CASE
        -- What is not in the source any more, and whose last delivery nobody knows the end of.
        WHEN outcome = 'unchanged' AND code = 'unknown' THEN 'lapsed'
        WHEN fingerprint IS NULL THEN 'gone' ELSE 'aligned' END,
    target_id, fingerprint, form, stamp, payload, digest, :run
FROM batch WHERE outcome IN ('created', 'updated', 'unchanged')
ON CONFLICT (entity, key) DO UPDATE SET
    state = CASE WHEN excluded.state = 'lapsed' THEN 'lapsed'
        WHEN coalesce(excluded.fingerprint, record.fingerprint) IS NULL THEN 'gone' ELSE 'aligned' END,
    target_id = coalesce(excluded.target_id, record.target_id),
    -- Payload, fingerprint and form are one value.
    fingerprint = coalesce(excluded.fingerprint, record.fingerprint),
    form = CASE WHEN excluded.fingerprint IS NULL THEN record.form ELSE excluded.form END,
    stamp = excluded.stamp,
    payload = CASE WHEN excluded.fingerprint IS NULL THEN record.payload ELSE excluded.payload END,
    digest = excluded.digest,
    run = excluded.run

-- name: bury_records
INSERT INTO record (entity, key, state, stamp, run)
SELECT :entity, key, 'gone', stamp, :run FROM batch WHERE outcome = 'deleted'
ON CONFLICT (entity, key) DO UPDATE SET
    state = 'gone', fingerprint = NULL, form = NULL,
    stamp = excluded.stamp, payload = NULL, digest = NULL, run = excluded.run

-- name: mark_records
-- What the target took of one whose id another record has is agreed all the same: payload and id are of this row.
INSERT INTO record (entity, key, state, target_id, fingerprint, form, payload, digest, run)
SELECT :entity, key, 'due', CASE WHEN fingerprint IS NOT NULL THEN target_id END, fingerprint, form, payload,
    digest, :run
FROM batch WHERE outcome IN ('rejected', 'waiting', 'deferred', 'held')
ON CONFLICT (entity, key) DO UPDATE SET
    state = 'due',
    target_id = coalesce(excluded.target_id, record.target_id),
    fingerprint = coalesce(excluded.fingerprint, record.fingerprint),
    form = CASE WHEN excluded.fingerprint IS NULL THEN record.form ELSE excluded.form END,
    payload = CASE WHEN excluded.fingerprint IS NULL THEN record.payload ELSE excluded.payload END,
    digest = excluded.digest,
    run = excluded.run

-- name: note_own_ids
-- An update by an id is no word of the target that it gave the record this id once more.
INSERT INTO own_id (entity, key, target_id, n)
SELECT :entity, key, target_id, n FROM batch WHERE fingerprint IS NOT NULL AND target_id IS NOT NULL
ON CONFLICT (entity, key) DO UPDATE SET target_id = excluded.target_id, n = excluded.n
    WHERE own_id.target_id <> excluded.target_id

-- name: id_holders
SELECT
    (SELECT min(own_id.key) FROM own_id
        JOIN record ON record.entity = own_id.entity AND record.key = own_id.key
        WHERE own_id.entity = :entity AND own_id.target_id = asked.value AND record.fingerprint IS NOT NULL),
    (SELECT max(own_id.key) FROM own_id
        JOIN record ON record.entity = own_id.entity AND record.key = own_id.key
        WHERE own_id.entity = :entity AND own_id.target_id = asked.value AND record.fingerprint IS NOT NULL)
FROM {asked_keys}
{as_asked}

-- name: contested_ids
SELECT DISTINCT other.target_id, other.key, other.n
FROM trouble JOIN own_id AS mine ON mine.entity = trouble.entity AND mine.key = trouble.key
    JOIN own_id AS other ON other.entity = mine.entity AND other.target_id = mine.target_id
    JOIN record ON record.entity = other.entity AND record.key = other.key
WHERE trouble.entity = :entity AND trouble.code = :code AND record.fingerprint IS NOT NULL
ORDER BY other.target_id, other.n

-- name: note_replaced_ids
INSERT INTO trouble (entity, key, outcome, operation, attempts, next_attempt, code, error, since, run)
SELECT record.entity, record.key, 'deferred', 'create', 0, :at, :interrupted,
    'its id ' || own_id.target_id || ' is not trusted any more', :at, record.run
FROM own_id JOIN record ON record.entity = own_id.entity AND record.key = own_id.key
WHERE own_id.entity = :entity AND own_id.n < :n AND record.fingerprint IS NOT NULL
ON CONFLICT (entity, key) DO UPDATE SET
    outcome = excluded.outcome, operation = excluded.operation, next_attempt = excluded.next_attempt,
    code = excluded.code, error = excluded.error, field = NULL, hint = NULL,
    blocked_entity = NULL, blocked_key = NULL, target_key = NULL, run = excluded.run

-- name: bury_replaced_ids
UPDATE record SET state = 'due', fingerprint = NULL, form = NULL, payload = NULL, digest = NULL
WHERE entity = :entity AND key IN (SELECT key FROM own_id WHERE entity = :entity AND n < :n)

-- name: release_taken
UPDATE trouble SET next_attempt = :at WHERE entity = :entity AND code = :code

-- name: drop_replaced_ids
DELETE FROM own_id WHERE entity = :entity AND n < :n

-- name: has_claims
SELECT 1 FROM claim WHERE entity = :entity LIMIT 1

-- name: bury_replaced
-- Whose key at the target another record was given: what was theirs there is the other's now.
UPDATE record SET state = 'gone', fingerprint = NULL, form = NULL, payload = NULL, digest = NULL, run = :run
WHERE entity = :entity AND key IN (
    SELECT claim.key FROM batch JOIN claim ON claim.entity = :entity AND claim.target_key = batch.target_key
    WHERE claim.key <> batch.key AND batch.outcome IN ('created', 'updated'))

-- name: clear_replaced
-- What is due to be deleted ends where that is done, and counts there: nothing of it is left to delete.
DELETE FROM trouble WHERE entity = :entity AND code <> :leaving AND key IN (
    SELECT claim.key FROM batch JOIN claim ON claim.entity = :entity AND claim.target_key = batch.target_key
    WHERE claim.key <> batch.key AND batch.outcome IN ('created', 'updated'))

-- name: release_claims
DELETE FROM claim WHERE entity = :entity
    AND key IN (SELECT key FROM batch WHERE outcome IN ('created', 'updated', 'deleted', 'unchanged'))
    AND target_key NOT IN (
        SELECT target_key FROM batch
        WHERE target_key IS NOT NULL AND outcome IN ('created', 'updated', 'unchanged'))

-- name: put_claims
INSERT INTO claim (entity, target_key, key) SELECT :entity, target_key, key FROM batch

-- name: take_claims
INSERT INTO claim (entity, target_key, key)
SELECT :entity, target_key, key FROM batch
WHERE target_key IS NOT NULL AND outcome IN ('created', 'updated', 'unchanged')
ON CONFLICT (entity, target_key) DO UPDATE SET key = excluded.key

-- name: reserve_claims
-- What may have reached the target claims its key until that is known.
INSERT INTO claim (entity, target_key, key)
SELECT :entity, target_key, key FROM batch WHERE target_key IS NOT NULL AND outcome = 'deferred'
ON CONFLICT (entity, target_key) DO NOTHING

-- name: has_trouble
SELECT 1 FROM trouble WHERE entity = :entity LIMIT 1

-- name: clear_troubles
DELETE FROM trouble WHERE entity = :entity AND key IN (
    SELECT key FROM batch WHERE outcome IN ('created', 'updated', 'deleted', 'unchanged'))

-- name: keep_doubts
-- What was not sent leaves open what an earlier delivery left open.
UPDATE batch SET code = :unknown, operation = trouble.doubt,
    error = CASE WHEN trouble.code = :unknown THEN trouble.error ELSE batch.error END,
    hint = CASE WHEN trouble.code = :unknown THEN trouble.hint ELSE batch.hint END
FROM trouble
WHERE trouble.entity = :entity AND trouble.key = batch.key AND trouble.doubt IS NOT NULL
    AND batch.outcome = 'deferred' AND batch.code IN (:unreachable, :interrupted)

-- name: note_troubles
INSERT INTO trouble (entity, key, outcome, operation, attempts, next_attempt, code, error, field, hint,
    blocked_entity, blocked_key, target_key, doubt, since, run)
SELECT :entity, key, outcome, operation, coalesce(attempt, 0), next_attempt, code, error, field, hint,
    blocked_entity, blocked_key, CASE WHEN outcome = 'rejected' THEN target_key END,
    CASE WHEN outcome = 'deferred' AND code NOT IN (:unreachable, :interrupted, :leaving) THEN operation END, :at, :run
FROM batch WHERE outcome IN ('rejected', 'waiting', 'deferred', 'held')
ON CONFLICT (entity, key) DO UPDATE SET
    outcome = excluded.outcome, operation = excluded.operation,
    attempts = excluded.attempts, next_attempt = excluded.next_attempt,
    code = excluded.code, field = excluded.field, hint = excluded.hint,
    -- What is kept back in doubt was not tried again: what its last attempt met is still the reason.
    error = CASE WHEN excluded.code = 'unknown' AND trouble.code = 'unknown'
            AND excluded.attempts = trouble.attempts
        THEN trouble.error ELSE excluded.error END,
    blocked_entity = excluded.blocked_entity, blocked_key = excluded.blocked_key,
    target_key = excluded.target_key, run = excluded.run,
    -- What was not sent again is as much in doubt as before, and so is a change that was sent and refused. A
    -- create that may not be sent twice is never refused before somebody has looked, which ends its doubt.
    doubt = CASE WHEN excluded.doubt IS NULL AND trouble.doubt = 'create' AND excluded.outcome = 'rejected'
        THEN NULL ELSE coalesce(excluded.doubt, trouble.doubt) END

-- name: has_records
SELECT 1 FROM record WHERE entity = :entity LIMIT 1

-- name: has_delivered
SELECT 1 FROM record WHERE entity = :entity AND fingerprint IS NOT NULL LIMIT 1

-- name: claims_target
-- What was delivered, and what may have been.
SELECT 1 FROM record WHERE entity = :entity AND (fingerprint IS NOT NULL OR state = 'lapsed')
UNION ALL SELECT 1 FROM trouble
WHERE entity = :entity AND doubt IS NOT NULL
UNION ALL SELECT 1 FROM intent WHERE entity = :entity
LIMIT 1

-- name: look_up
SELECT record.state, record.target_id, record.fingerprint, record.form, record.stamp, record.payload,
    record.digest, trouble.attempts,
    CASE WHEN record.state = 'lapsed' AND record.fingerprint IS NULL THEN 'create' ELSE trouble.doubt END,
    CASE WHEN trouble.attempts = 0 AND trouble.doubt IS NULL THEN 1 END
FROM {asked_keys} LEFT JOIN record ON record.entity = :entity AND record.key = asked.value
    LEFT JOIN trouble ON record.state = 'due' AND trouble.entity = :entity AND trouble.key = asked.value
{as_asked}

-- name: digest_total
-- A digest is its bucket times 2^52, and a content, whose halves add up without an overflow.
SELECT count(*), count(digest), sum(digest % 4503599627370496 / 67108864), sum(digest % 67108864)
FROM record WHERE entity = :entity AND state NOT IN ('gone', 'lapsed')

-- name: digest_buckets
SELECT digest / 4503599627370496, count(*), sum(digest % 4503599627370496 / 67108864), sum(digest % 67108864)
FROM record WHERE entity = :entity AND digest IS NOT NULL
GROUP BY digest / 4503599627370496

-- name: without_digest
SELECT key FROM record
WHERE entity = :entity AND digest IS NULL AND state NOT IN ('gone', 'lapsed')
    AND key > :after -- when after
ORDER BY key LIMIT :most

-- name: digests
SELECT key, digest FROM record
WHERE entity = :entity AND digest IS NOT NULL
    AND digest / 4503599627370496 IN (SELECT asked.value FROM {asked_ids}) -- when asked

-- name: digests_of
SELECT record.digest, record.key IS NOT NULL AND record.state NOT IN ('gone', 'lapsed')
FROM {asked_keys} LEFT JOIN record ON record.entity = :entity AND record.key = asked.value
{as_asked}

-- name: target_ids
SELECT CASE WHEN record.fingerprint IS NOT NULL THEN record.target_id END, record.fingerprint IS NOT NULL
FROM {asked_keys} LEFT JOIN record ON record.entity = :entity AND record.key = asked.value
{as_asked}

-- name: holders
SELECT claim.key
FROM {asked_keys} LEFT JOIN claim ON claim.entity = :entity AND claim.target_key = asked.value
{as_asked}

-- name: agreed
SELECT record.key, payload.body, record.payload FROM record JOIN payload ON payload.id = record.payload
WHERE record.entity = :entity AND record.fingerprint IS NOT NULL
    AND record.key > :after -- when after
ORDER BY record.key LIMIT :most

-- name: payloads
SELECT payload.body FROM {asked_ids} LEFT JOIN payload ON payload.id = asked.value
{as_asked}

-- name: due
SELECT trouble.key,
    CASE WHEN record.fingerprint IS NULL THEN 'retry' ELSE 'parent released' END
FROM trouble LEFT JOIN record
    ON record.entity = trouble.blocked_entity AND record.key = trouble.blocked_key
WHERE trouble.entity = :entity
    AND trouble.key = :key -- when key
    AND (trouble.next_attempt <= :now OR record.fingerprint IS NOT NULL
        OR (trouble.target_key IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM claim
            WHERE claim.entity = trouble.entity AND claim.target_key = trouble.target_key)))
ORDER BY trouble.key
LIMIT :most -- when most

-- name: chained_waits
SELECT one.entity, one.key, one.blocked_entity, one.blocked_key, one.code
FROM trouble AS one JOIN trouble AS other
    ON other.entity = one.blocked_entity AND other.key = one.blocked_key AND other.blocked_key IS NOT NULL
LIMIT :most

-- name: circling_waits
SELECT entity, key, blocked_entity, blocked_key, code FROM trouble
WHERE code = 'circle' AND blocked_key IS NOT NULL
LIMIT :most

-- name: say_wait
UPDATE trouble SET code = :code, error = :error, hint = :hint
WHERE entity = :entity AND key = :key AND blocked_entity = :blocked_entity AND blocked_key = :blocked_key

-- name: circling
SELECT count(*), min(key) FROM trouble WHERE entity = :entity AND code = 'circle' AND blocked_key IS NOT NULL

-- name: troubled
SELECT key FROM trouble WHERE entity = :entity
    AND run < :before -- when before
ORDER BY key

-- name: leaving
SELECT key FROM trouble WHERE entity = :entity AND code = :leaving
    AND run = :run -- when run
ORDER BY key
LIMIT :most -- when most

-- name: held
-- As a run left them, or held them back first.
SELECT key FROM trouble WHERE entity = :entity AND outcome = 'held' AND (run = :run OR EXISTS (
    SELECT 1 FROM entry WHERE entry.entity = trouble.entity AND entry.key = trouble.key
        AND entry.run = :run AND entry.outcome = 'held'))
ORDER BY key

-- name: stamped_after
SELECT key, stamp FROM record
WHERE entity = :entity AND fingerprint IS NOT NULL
    -- Of a root row without a stamp the ledger has none before the bar.
    AND substr(stamp, 1, 1) NOT IN ('', '|')
    AND stamp > :stamp AND substr(stamp, 1, :length) <> :first -- when first
    AND {stamp_number} > CAST(:stamp AS numeric)               -- when number
    AND key > :after                                           -- when after
ORDER BY key LIMIT :most

-- name: left
SELECT count(*) FROM trouble WHERE entity = :entity AND run < :before

-- name: left_to_name
-- In doubt, and no time brings it back.
SELECT coalesce(hint, ''), code = :absent, count(*), min(key) FROM trouble
WHERE entity = :entity AND run < :before AND outcome = 'deferred' AND next_attempt IS NULL
    AND code NOT IN (:unreachable, :interrupted, :leaving)
GROUP BY 1, 2 ORDER BY count(*) DESC, min(key)

-- name: troubles
SELECT record.state, record.stamp, record.fingerprint IS NOT NULL, trouble.attempts, trouble.doubt,
    coalesce(trouble.outcome = 'held', false)
FROM {asked_keys} LEFT JOIN record ON record.entity = :entity AND record.key = asked.value
    LEFT JOIN trouble ON trouble.entity = :entity AND trouble.key = asked.value
{as_asked}

-- name: taken_back
-- What this run has counted before and meets again: each record counts by its last outcome.
SELECT trouble.outcome, count(*)
FROM batch JOIN trouble ON trouble.entity = :entity AND trouble.key = batch.key
WHERE trouble.run = :run GROUP BY trouble.outcome

-- name: count_records
SELECT state, count(*), count(fingerprint) FROM record WHERE entity = :entity GROUP BY state

-- name: count_troubles
SELECT outcome, count(*) FROM trouble WHERE entity = :entity GROUP BY outcome

-- name: reasons
SELECT error, count(*), min(key) FROM trouble WHERE entity = :entity AND run = :run AND outcome = :outcome
GROUP BY error ORDER BY count(*) DESC, min(key)

-- name: record
SELECT state, target_id, fingerprint, form, stamp, payload.body, run,
    (SELECT max(at) FROM entry WHERE entry.entity = record.entity AND entry.key = record.key
        AND outcome IN ('created', 'updated')),
    (SELECT count(*) FROM trouble
     WHERE trouble.blocked_entity = record.entity AND trouble.blocked_key = record.key)
FROM record LEFT JOIN payload ON payload.id = record.payload
WHERE entity = :entity AND key = :key

-- name: trouble
SELECT outcome, attempts, next_attempt, code, error, field, hint, entity.name, blocked_key, since, run
FROM trouble LEFT JOIN entity ON entity.id = trouble.blocked_entity
WHERE trouble.entity = :entity AND trouble.key = :key

-- name: entries
SELECT entry.id, entry.run, entry.at, entity.name, entry.key, entry.operation, entry.outcome, entry.cause,
    entry.changes, payload.body, entry.target_id, entry.attempt, entry.code, entry.error, entry.field,
    entry.hint, entry.duration_ms
-- Outer joins keep entry the table that is read first, in the order of its id.
FROM entry LEFT JOIN entity ON entity.id = entry.entity LEFT JOIN payload ON payload.id = entry.payload
WHERE entry.id >= :low AND entry.id <= :high
    AND entry.entity IN (SELECT id FROM entity WHERE name = :entity)    -- when one_record
    -- The plus keeps the index on (entity, key) out: it would sort all entries of the entity for a page.
    AND +entry.entity IN (SELECT id FROM entity WHERE name = :entity)   -- when any_record
    AND entry.key = :key                                                -- when key
    AND entry.outcome = :outcome                                        -- when outcome
    AND entry.cause = :cause                                            -- when cause
    -- No entry is younger than its run: older runs need not be read.
    AND entry.at >= :since AND entry.id >= 4294967296 * (               -- when since
        SELECT coalesce(min(id), 0) FROM run                            -- when since
        WHERE ended IS NULL OR ended >= :since)                         -- when since
    AND entry.at <= :until                                              -- when until
    AND (entry.changes LIKE '%' || :field || '%'                        -- when field
        OR payload.body LIKE '%' || :field || '%')                      -- when field
    AND lower(entry.key || ' ' || coalesce(entry.error, '') || ' ' ||   -- when text
        coalesce(entry.changes, '') || ' ' || coalesce(payload.body, '')) -- when text
        LIKE '%' || lower(:text) || '%'                                 -- when text
ORDER BY entry.id DESC  -- when newest_first
ORDER BY entry.id       -- when oldest_first
LIMIT :page

-- name: begin_run
INSERT INTO run (kind, cause, owner, started, status, message)
VALUES (:kind, :cause, :owner, :now, 'running', '') RETURNING id

-- name: finish_run
UPDATE run SET status = :status, ended = :now, message = :message WHERE id = :run

-- name: running
SELECT id, owner FROM run WHERE status = 'running'

-- name: runs
SELECT id, kind, cause, owner, started, ended, status, message FROM run
WHERE id = :run -- when run
ORDER BY id DESC
LIMIT :page

-- name: books
SELECT run_entity.run, entity.name, detected, created, updated, deleted, unchanged, rejected, waiting,
    deferred, held, skipped, seconds
FROM run_entity JOIN entity ON entity.id = run_entity.entity
WHERE run_entity.run >= :low AND run_entity.run <= :high
    AND run_entity.entity = :entity -- when entity
ORDER BY run_entity.run, run_entity.entity

-- name: skipped
SELECT skipped FROM run_entity WHERE run = :run AND entity = :entity

-- name: add_books
INSERT INTO run_entity (run, entity, detected, created, updated, deleted, unchanged, rejected, waiting,
    deferred, held, skipped, seconds)
VALUES (:run, :entity, :detected, :created, :updated, :deleted, :unchanged, :rejected, :waiting,
    :deferred, :held, :skipped, :seconds)
ON CONFLICT (run, entity) DO UPDATE SET
    detected = run_entity.detected + excluded.detected,
    created = run_entity.created + excluded.created,
    updated = run_entity.updated + excluded.updated,
    deleted = run_entity.deleted + excluded.deleted,
    unchanged = run_entity.unchanged + excluded.unchanged,
    rejected = run_entity.rejected + excluded.rejected,
    waiting = run_entity.waiting + excluded.waiting,
    deferred = run_entity.deferred + excluded.deferred,
    held = run_entity.held + excluded.held,
    skipped = excluded.skipped,
    seconds = run_entity.seconds + excluded.seconds

-- name: add_lease
INSERT INTO lease (entity, fence, since, expires) VALUES (:entity, 0, 0, 0) ON CONFLICT (entity) DO NOTHING

-- name: lease
SELECT lease.owner, lease.fence, lease.since, lease.expires, entity.name
FROM lease JOIN entity ON entity.id = lease.entity WHERE lease.entity = :entity

-- name: take_lease
UPDATE lease SET owner = :owner, fence = fence + 1, since = :now, expires = :expires
WHERE entity = :entity AND fence = :seen_fence AND expires = :seen_expires RETURNING fence

-- name: renew_lease
UPDATE lease SET expires = :expires
WHERE entity = :entity AND fence = :fence AND owner IS NOT NULL RETURNING fence

-- name: hold_lease
-- Writes what is there already: in both databases that locks the row until the commit.
UPDATE lease SET fence = fence
WHERE entity = :entity AND fence = :fence AND owner IS NOT NULL RETURNING fence

-- name: release_lease
UPDATE lease SET owner = NULL WHERE entity = :entity AND fence = :fence
