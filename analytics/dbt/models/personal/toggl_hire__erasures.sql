{{ config(grants=grants('toggl_hire_personal_readers')) }}
with erased as (
    select workspace, candidate_id, deleted_at, first_observed_at, row_id
    from {{ ref('int_toggl_hire__candidates') }}
    where deleted_at is not null
),

-- A tombstone has no opening. A row that ACTIVATE_VERSION marked as deleted has its data.
held as (
    select workspace, candidate_id, deleted_at is not null and job_opening_id is null as is_erased
    from {{ ref('stg_toggl_hire__candidates') }}
    union all
    select workspace, candidate_id, deleted_at is not null and job_opening_id is null
    from {{ ref('stg_toggl_hire__candidate_details') }}
    union all
    select workspace, candidate_id, deleted_at is not null and job_opening_id is null
    from {{ ref('stg_toggl_hire__candidate_answers') }}
),

counted as (
    select
        erased.workspace,
        erased.candidate_id,
        count(case when held.is_erased then 1 end) as rows_erased,
        count(case when not held.is_erased then 1 end) as rows_remaining
    from erased
    left join held
        on held.workspace = erased.workspace and held.candidate_id = erased.candidate_id
    group by erased.workspace, erased.candidate_id
)

select
    erased.workspace,
    erased.candidate_id,
    coalesce(
        due.due_at, {{ days_after('erased.first_observed_at', var('toggl_hire_retention_days')) }}
    ) as due_at,
    due.due_at is null as is_due_at_estimated,
    erased.deleted_at as erased_at,
    counted.rows_erased,
    counted.rows_remaining,
    erased.row_id
from erased
left join counted
    on counted.workspace = erased.workspace and counted.candidate_id = erased.candidate_id
left join {{ ref('int_toggl_hire__due_dates') }} as due
    on due.row_id = erased.row_id
