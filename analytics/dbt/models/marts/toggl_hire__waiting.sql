{{ config(grants=grants('toggl_hire_readers')) }}
with candidates as (
    select
        candidates.*,
        case when retention.days_overdue >= 0 then 1 else 0 end as is_due_for_deletion
    from {{ ref('toggl_hire__candidates') }} as candidates
    left join {{ ref('toggl_hire__retention_due') }} as retention
        on retention.workspace = candidates.workspace and retention.candidate_id = candidates.candidate_id
    where candidates.is_waiting
),

counted as (
    select
        workspace,
        job_opening_id,
        job_opening,
        category_id,
        category,
        count(*) as waiting,
        sum(is_due_for_deletion) as due_for_deletion,
        min(waiting_since) as waiting_since,
        max(days_waiting) as longest_wait_days
    from candidates
    group by workspace, job_opening_id, job_opening, category_id, category
)

select
    counted.workspace,
    counted.job_opening_id,
    counted.job_opening,
    counted.category_id,
    counted.category,
    stages.position,
    counted.waiting,
    cast(counted.due_for_deletion as bigint) as due_for_deletion,
    counted.waiting_since,
    counted.longest_wait_days,
    {{ row_id(['counted.workspace', 'counted.job_opening_id', 'counted.category_id']) }} as row_id
from counted
left join {{ ref('toggl_hire__stage_order') }} as stages
    on stages.workspace = counted.workspace
    and stages.job_opening_id is not distinct from counted.job_opening_id
    and stages.category_id = counted.category_id
