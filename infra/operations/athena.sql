-- For Athena: replace RESULTS_BUCKET by the name of the results bucket. Not tested on AWS.
create external table results (
    status string, bucket string, key string, version_id string, etag string, bytes bigint,
    uploaded string, classified string, label string, class_id int, score double,
    known boolean, known_score double, confident boolean, title string, detail string,
    model struct<version: string, sha256: string>
)
row format serde 'org.openx.data.jsonserde.JsonSerDe'
location 's3://RESULTS_BUCKET/results/';

create view latest as
select * from (
    select *, row_number() over (partition by bucket, key order by uploaded desc, classified desc) as place from results
) where place = 1;

select coalesce(label, status) as label, count(*) as objects from latest group by 1 order by 2 desc;

select date(from_iso8601_timestamp(classified)) as day, avg(if(known, 0.0, 1.0)) as unknown_rate
from latest where status = 'done' group by 1 order by 1;
