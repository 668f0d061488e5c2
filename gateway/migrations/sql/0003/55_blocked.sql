-- Money of a listed sender, or for an account nobody may pay: credited, but to a place apart.
alter table deposit add column blocked boolean not null default false;
insert into ledger.movement (code, name, passes_freeze) values (21, 'released', true);
