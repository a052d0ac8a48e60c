with loaded as (
    {%- for stream in ['candidates', 'candidate_details', 'candidate_answers'] %}
    select workspace, candidate_id, '{{ stream }}' as stream, deleted_at, job_opening_id
    from {{ ref('stg_toggl_hire__' ~ stream) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    workspace,
    candidate_id,
    stream,
    deleted_at,
    count(*) as row_count,
    -- A tombstone has no opening. A row that ACTIVATE_VERSION marked as deleted has its data.
    count(case when deleted_at is not null and job_opening_id is null then 1 end) as erased_count,
    {{ row_id(['workspace', 'candidate_id', 'stream', 'deleted_at']) }} as row_id
from loaded
group by workspace, candidate_id, stream, deleted_at
