-- Where the role may make event triggers (a superuser's right), a table that is
-- dropped from outside leaves its rows behind, so that its end, or what replaces
-- it (ogr2ogr -overwrite), enters the feed with what was there before.
create or replace function nagar.before_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  k record;
  q text := current_query();
begin
  if current_setting('nagar.own', true) = 'on' then return; end if;
  for k in select c.coll, c.name, c.rel from nagar.collections c join pg_class r on r.oid = c.rel loop
    if strpos(q, k.name) > 0 and to_regclass('nagar.dropped_' || k.coll) is null then
      execute format('lock table %s in access exclusive mode', k.rel::regclass);
      execute format('create table nagar.dropped_%s as table %s', k.coll, k.rel::regclass);
    end if;
  end loop;
end $$;

create or replace function nagar.after_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  k record;
begin
  if current_setting('nagar.own', true) = 'on' then return; end if;
  -- A copy made for a table that was not dropped after all goes again.
  for k in select c.coll from nagar.collections c join pg_class r on r.oid = c.rel
           where to_regclass('nagar.dropped_' || c.coll) is not null loop
    perform set_config('nagar.own', 'on', true);
    execute format('drop table nagar.dropped_%s', k.coll);
    perform set_config('nagar.own', '', true);
  end loop;
end $$;

drop event trigger if exists nagar_before_drop;
drop event trigger if exists nagar_after_drop;
create event trigger nagar_before_drop on ddl_command_start when tag in ('DROP TABLE') execute function nagar.before_drop();
create event trigger nagar_after_drop on sql_drop when tag in ('DROP TABLE') execute function nagar.after_drop();
