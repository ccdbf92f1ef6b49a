-- For DuckDB: what `python -m infra results --stack NAME > results.jsonl` wrote, as tables.
create or replace view results as
select * from read_json('results.jsonl', format = 'newline_delimited', columns = {
    status: 'varchar', bucket: 'varchar', key: 'varchar', version_id: 'varchar', etag: 'varchar', bytes: 'bigint',
    uploaded: 'timestamptz', classified: 'timestamptz', label: 'varchar', class_id: 'integer', score: 'double',
    known: 'boolean', known_score: 'double', title: 'varchar', detail: 'varchar',
    model: 'struct(version varchar, sha256 varchar)'
});

-- The newest version of each object.
create or replace view latest as
select * from results
qualify row_number() over (partition by bucket, key order by uploaded desc, classified desc) = 1;

-- How many of each label, and what became of the rest.
select coalesce(label, status) as label, count(*) as objects, avg(score) as mean_score
from latest group by 1 order by objects desc, label;

-- The share of pictures that show none of the classes, by day: if it grows, people send something new.
select cast(classified as date) as day, count(*) as pictures, avg(cast(not known as integer)) as unknown_share
from latest where status = 'done' group by 1 order by 1;
