with looks as (
    select
        workspace,
        observed_at as looked_at,
        observed_at,
        cast(null as timestamp) as completed_at
    from {{ ref('stg_toggl_hire__candidate_history') }}
    union all
    select
        workspace,
        finished_at,
        null,
        case when outcome = 'complete' then finished_at end
    from {{ ref('stg_toggl_hire__sync_runs') }}
)

select
    workspace,
    min(observed_at) as history_since,
    count(completed_at) as complete_runs,
    min(completed_at) as first_run_completed_at,
    max(completed_at) as last_run_completed_at,
    max(looked_at) as last_looked_at
from looks
group by workspace
