{{ config(grants=grants('toggl_hire_readers')) }}
with held as (
    select workspace, candidates_held, finished_at
    from (
        select
            workspace,
            candidates_held,
            finished_at,
            row_number() over (partition by workspace order by finished_at desc) as number
        from {{ ref('stg_toggl_hire__sync_runs') }}
        where outcome = 'complete'
    ) as runs
    where number = 1
),

present as (
    select
        candidates.workspace,
        count(case when candidates.deleted_at is null then candidates.candidate_id end) as candidates_rows,
        -- Deleted by a later run that failed: the last complete one still held them.
        count(case when candidates.deleted_at > held.finished_at then 1 end) as deleted_since
    from {{ ref('stg_toggl_hire__candidates') }} as candidates
    left join held
        on held.workspace = candidates.workspace
    group by candidates.workspace
)

select
    looks.workspace,
    looks.history_since,
    looks.complete_runs,
    cast(looks.failed_runs as bigint) as failed_runs,
    looks.first_run_completed_at,
    looks.last_run_completed_at,
    looks.last_looked_at,
    looks.longest_gap_days,
    held.candidates_held,
    coalesce(present.candidates_rows, case when held.candidates_held is not null then 0 end) as candidates_rows,
    held.candidates_held - coalesce(present.candidates_rows, 0) - coalesce(present.deleted_since, 0)
        as candidates_missing
from {{ ref('int_toggl_hire__looks') }} as looks
left join held
    on held.workspace = looks.workspace
left join present
    on present.workspace = looks.workspace
