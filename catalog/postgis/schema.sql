-- The system schema, version 1. {postgis} stands for the schema of the PostGIS extension.
create schema if not exists nagar;

create table nagar.meta (
  only_row boolean primary key default true check (only_row),
  version int not null,
  made timestamptz not null default clock_timestamp()
);

-- txn_seq numbers the writing transactions, in the order in which they begin to
-- write: a name, no order. (A name of our own rather than PostgreSQL's
-- transaction id, so that a dump restored elsewhere keeps its meaning.)
-- rev_seq numbers the revisions, and is drawn from only under the commit lock.
-- clock_seq holds the recorded time of the last revision, in µs: a sequence,
-- because it must be seen beyond the snapshot of a REPEATABLE READ transaction.
create sequence nagar.txn_seq;
create sequence nagar.rev_seq;
create sequence nagar.clock_seq minvalue -9223372036854775807;

create table nagar.commits (
  txn bigint primary key,
  rev bigint unique,                      -- null only inside the writing transaction
  at timestamptz not null,                -- the batch's time
  recorded timestamptz,                   -- never before the revision before
  author text not null default '',
  reason text not null default '',
  changes bigint                          -- null: written from outside, not counted
);
create index commits_recorded on nagar.commits (recorded);

create table nagar.touched (              -- which collections a transaction wrote to
  txn bigint not null,
  coll int not null,
  primary key (txn, coll)
);

create table nagar.batches (              -- idempotency keys
  key text collate "C" primary key,
  txn bigint,                             -- null: the batch changed nothing
  rev bigint,                             -- the head then, when it changed nothing
  created bigint, updated bigint, unchanged bigint, deleted bigint, erased bigint
);

create table nagar.collections (
  coll int generated always as identity primary key,
  name text collate "C" not null unique,
  rel oid not null,                       -- the table as we know it; another: it was replaced
  description text not null,              -- catalog.Collection as JSON
  columns text not null,                  -- column names of the fields, in their order, as JSON
  attributes text not null,               -- the table's columns as we know them
  version bigint not null,                -- moves with every change of this row
  txn bigint not null                     -- that last changed the description
);

create table nagar.defined (              -- feed entries of descriptions
  txn bigint not null,
  coll int not null,
  primary key (txn, coll)
);

create table nagar.scrubbed (             -- feed entries of erasures
  txn bigint not null,
  coll int not null,
  id text collate "C" not null,
  primary key (txn, coll, id)
);

create table nagar.ignored (              -- tables that are no collections of ours
  name text collate "C" primary key,
  rel oid                                 -- only while it is this one; null: for good, it was there before us
);

create table nagar.problems (             -- what could not be taken over as it was
  coll int not null,
  id text not null,
  reason text not null
);

-- begin_txn returns the number of this transaction, and notes once per
-- collection that it was written to. A savepoint rolled back takes the settings
-- back with the rows.
create function nagar.begin_txn(c int) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  t bigint := nullif(current_setting('nagar.txn', true), '')::bigint;
  seen text := current_setting('nagar.touched', true);
begin
  if t is null then
    t := nextval('nagar.txn_seq');
    seen := ',';
    perform set_config('nagar.txn', t::text, true), set_config('nagar.touched', seen, true);
    insert into nagar.commits (txn, at, author, reason)
      values (t, clock_timestamp(), session_user, 'edited by ' || coalesce(nullif(current_setting('application_name', true), ''), 'SQL'));
  end if;
  if strpos(seen, ',' || c || ',') = 0 then
    insert into nagar.touched values (t, c) on conflict do nothing;
    perform set_config('nagar.touched', seen || c || ',', true);
  end if;
  return t;
end $$;

-- assign_rev runs once per writing transaction, at its commit: the advisory lock
-- is held from here until the commit is visible, so revisions are numbered, and
-- seen, in commit order, and a transaction holds up nobody before it commits.
create function nagar.assign_rev() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  r bigint;
  last bigint;
  us bigint;
begin
  perform pg_advisory_xact_lock(7233, 1);
  r := nextval('nagar.rev_seq');
  select last_value into last from nagar.clock_seq;
  -- What we write ourselves is recorded at the batch's time where that keeps the
  -- order; what came from outside, at its commit.
  us := extract(epoch from case when NEW.changes is null then clock_timestamp() else NEW.at end) * 1000000;
  us := greatest(us, last + 1);
  perform setval('nagar.clock_seq', us);
  update nagar.commits
    set rev = r, recorded = timestamptz 'epoch' + us / 1000000 * interval '1 second' + us % 1000000 * interval '1 microsecond'
    where txn = NEW.txn;
  perform pg_notify('nagar', r::text);
  return null;
end $$;

create constraint trigger commits_rev after insert on nagar.commits
  deferrable initially deferred for each row execute function nagar.assign_rev();

-- geometry_problem says what is wrong with a geometry for the catalogue, null for nothing.
create function nagar.geometry_problem(g {postgis}.geometry, kind text) returns text
language plpgsql immutable set search_path = pg_catalog as $$
declare
  t text := {postgis}.st_geometrytype(g);
  ok boolean;
begin
  if g is null then return null; end if;
  ok := case kind
    when 'point' then t in ('ST_Point', 'ST_MultiPoint')
    when 'line' then t in ('ST_LineString', 'ST_MultiLineString')
    when 'polygon' then t in ('ST_Polygon', 'ST_MultiPolygon')
    when 'none' then false
    else t in ('ST_Point', 'ST_MultiPoint', 'ST_LineString', 'ST_MultiLineString', 'ST_Polygon', 'ST_MultiPolygon', 'ST_GeometryCollection') end;
  if not ok then
    return format('this collection holds %s geometries, not %s', kind, t);
  end if;
  if {postgis}.st_srid(g) <> 4326 then
    return format('SRID %s: geometries are stored in EPSG:4326 (use ST_Transform)', {postgis}.st_srid(g));
  end if;
  if not {postgis}.st_isempty(g) and not coalesce({postgis}.st_xmin(g) >= -180 and {postgis}.st_xmax(g) <= 180
      and {postgis}.st_ymin(g) >= -90 and {postgis}.st_ymax(g) <= 90, false) then
    return 'coordinates are not longitudes and latitudes in degrees';
  end if;
  -- A box passes over NaN; the text does not.
  if {postgis}.st_astext(g) ~* 'nan|inf' then
    return 'coordinates are not numbers';
  end if;
  return null;
end $$;

-- good_geometry raises on what the catalogue does not hold.
create function nagar.good_geometry(g {postgis}.geometry, kind text) returns void
language plpgsql immutable set search_path = pg_catalog as $$
declare
  problem text := nagar.geometry_problem(g, kind);
begin
  if problem is not null then
    raise exception 'nagar: %', problem using errcode = 'check_violation';
  end if;
end $$;

-- lon_lat brings a geometry that an outside tool stored to EPSG:4326; one without
-- an SRID is taken to be there already.
create function nagar.lon_lat(g {postgis}.geometry) returns {postgis}.geometry
language sql immutable as $$
  select case {postgis}.st_srid(g) when 4326 then g when 0 then {postgis}.st_setsrid(g, 4326) else {postgis}.st_transform(g, 4326) end
$$;
