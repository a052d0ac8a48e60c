{{ config(grants=grants('toggl_hire_personal_readers')) }}
with erased as (
    select workspace, candidate_id, deleted_at, first_observed_at, row_id
    from {{ ref('int_toggl_hire__candidates') }}
    where deleted_at is not null
),

counted as (
    select
        workspace,
        candidate_id,
        sum(erased_count) as rows_erased,
        sum(row_count - erased_count) as rows_remaining
    from {{ ref('int_toggl_hire__row_counts') }}
    group by workspace, candidate_id
)

select
    erased.workspace,
    erased.candidate_id,
    coalesce(
        due.due_at, {{ days_after('erased.first_observed_at', var('toggl_hire_retention_days')) }}
    ) as due_at,
    due.due_at is null as is_due_at_estimated,
    erased.deleted_at as erased_at,
    cast(coalesce(counted.rows_erased, 0) as bigint) as rows_erased,
    cast(coalesce(counted.rows_remaining, 0) as bigint) as rows_remaining,
    erased.row_id
from erased
left join counted
    on counted.workspace = erased.workspace and counted.candidate_id = erased.candidate_id
left join {{ ref('int_toggl_hire__due_dates') }} as due
    on due.row_id = erased.row_id
