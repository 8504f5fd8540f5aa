-- Ledger, journal, runs, leases. Times are microseconds since 1970-01-01 UTC.
-- Bulk tables have no foreign keys: one lease writes an entity, and a check a row would cost more than the row.

CREATE TABLE entity (
    id {identity},
    name text NOT NULL,
    target text NOT NULL,
    mapping text,
    basis text,
    stale {int},
    UNIQUE (name, target)
) {plain};

CREATE TABLE position (
    entity {int} NOT NULL REFERENCES entity (id),
    capture text NOT NULL,
    value text NOT NULL,
    moved_at {int} NOT NULL,
    PRIMARY KEY (entity, capture)
) {plain};

CREATE TABLE record (
    entity {int} NOT NULL,
    key {key} NOT NULL,
    state text NOT NULL,
    target_id text,
    fingerprint {int},
    form {int},
    stamp {key},
    payload {int},
    digest {int},
    run {int} NOT NULL,
    PRIMARY KEY (entity, key)
) {clustered};

-- Only of entities whose target gives ids of its own; what counts of it are records that were delivered.
CREATE TABLE own_id (
    entity {int} NOT NULL,
    key {key} NOT NULL,
    target_id {key} NOT NULL,
    n {int} NOT NULL,
    PRIMARY KEY (entity, key)
) {clustered};

CREATE INDEX own_id_given ON own_id (entity, target_id);

CREATE TABLE payload (
    id {int} PRIMARY KEY,
    body text NOT NULL
) {plain};

CREATE TABLE trouble (
    entity {int} NOT NULL,
    key {key} NOT NULL,
    outcome text NOT NULL,
    operation text NOT NULL,
    attempts {int} NOT NULL,
    next_attempt {int},
    code text,
    error text,
    field text,
    hint text,
    blocked_entity {int},
    blocked_key {key},
    target_key {key},
    doubt text,
    since {int} NOT NULL,
    run {int} NOT NULL,
    PRIMARY KEY (entity, key)
) {clustered};

CREATE INDEX trouble_blocked ON trouble (blocked_entity, blocked_key);

-- Only of entities whose records could have the same key at the target.
CREATE TABLE claim (
    entity {int} NOT NULL,
    target_key {key} NOT NULL,
    key {key} NOT NULL,
    PRIMARY KEY (entity, target_key)
) {clustered};

CREATE INDEX claim_key ON claim (entity, key);

-- Only of records in doubt whose key at the target that may have changed.
CREATE TABLE tried (
    entity {int} NOT NULL,
    key {key} NOT NULL,
    target_id {key} NOT NULL,
    target_key {key},
    PRIMARY KEY (entity, key, target_id)
) {clustered};

CREATE TABLE intent (
    entity {int} NOT NULL,
    fence {int} NOT NULL,
    n {int} NOT NULL,
    operation text NOT NULL,
    run {int} NOT NULL,
    keys text NOT NULL,
    given text,
    standing text NOT NULL,
    PRIMARY KEY (entity, fence, n, operation)
) {plain};

CREATE TABLE run (
    id {identity},
    kind text NOT NULL,
    cause text NOT NULL,
    owner text NOT NULL,
    started {int} NOT NULL,
    ended {int},
    status text NOT NULL,
    message text NOT NULL
) {plain};

CREATE TABLE run_entity (
    run {int} NOT NULL REFERENCES run (id),
    entity {int} NOT NULL REFERENCES entity (id),
    detected {int} NOT NULL,
    created {int} NOT NULL,
    updated {int} NOT NULL,
    deleted {int} NOT NULL,
    unchanged {int} NOT NULL,
    rejected {int} NOT NULL,
    waiting {int} NOT NULL,
    deferred {int} NOT NULL,
    held {int} NOT NULL,
    skipped text NOT NULL,
    seconds {float} NOT NULL,
    PRIMARY KEY (run, entity)
) {plain};

CREATE TABLE entry (
    id {int} PRIMARY KEY,
    run {int} NOT NULL,
    entity {int} NOT NULL,
    key {key} NOT NULL,
    at {int} NOT NULL,
    operation text NOT NULL,
    outcome text NOT NULL,
    cause text NOT NULL,
    changes text,
    payload {int},
    target_id text,
    attempt {int},
    code text,
    error text,
    field text,
    hint text,
    duration_ms {int}
) {plain};

CREATE INDEX entry_record ON entry (entity, key);

CREATE TABLE lease (
    entity {int} PRIMARY KEY REFERENCES entity (id),
    owner text,
    fence {int} NOT NULL,
    since {int} NOT NULL,
    expires {int} NOT NULL
) {plain};
