-- For DuckDB: views of the output of `python -m infra results --stack NAME > results.jsonl`.
create or replace view results as
select * from read_json('results.jsonl', format = 'newline_delimited', columns = {
    status: 'varchar', bucket: 'varchar', key: 'varchar', version_id: 'varchar', etag: 'varchar', bytes: 'bigint',
    uploaded: 'timestamptz', classified: 'timestamptz', label: 'varchar', class_id: 'integer', score: 'double',
    known: 'boolean', known_score: 'double', confident: 'boolean', title: 'varchar', detail: 'varchar',
    model: 'struct(version varchar, sha256 varchar)'
});

-- The newest version of each object.
create or replace view latest as
select * from results
qualify row_number() over (partition by bucket, key order by uploaded desc, classified desc) = 1;

-- Number of objects by label; rejected ones by status.
select coalesce(label, status) as label, count(*) as objects, avg(score) as mean_score
from latest group by 1 order by objects desc, label;

-- Rate of images that show none of the classes, by day. If it rises, the input has drifted.
select cast(classified as date) as day, count(*) as images, avg(cast(not known as integer)) as unknown_rate
from latest where status = 'done' group by 1 order by 1;
