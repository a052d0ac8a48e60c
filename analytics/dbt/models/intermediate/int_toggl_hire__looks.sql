with times as (
    select
        workspace,
        observed_at as looked_at,
        observed_at,
        cast(null as {{ timestamp() }}) as completed_at,
        0 as is_failed
    from {{ ref('stg_toggl_hire__candidate_history') }}
    union all
    select
        workspace,
        case when outcome = 'complete' then finished_at end,
        null,
        case when outcome = 'complete' then finished_at end,
        case when outcome = 'failed' then 1 else 0 end
    from {{ ref('stg_toggl_hire__sync_runs') }}
),

gaps as (
    select
        workspace,
        looked_at,
        lag(looked_at) over (partition by workspace order by looked_at) as looked_at_before
    from (select distinct workspace, looked_at from times where looked_at is not null) as looks
),

longest as (
    select workspace, max({{ days_between('looked_at_before', 'looked_at') }}) as longest_gap_days
    from gaps
    group by workspace
),

counted as (
    select
        workspace,
        min(observed_at) as history_since,
        count(completed_at) as complete_runs,
        sum(is_failed) as failed_runs,
        min(completed_at) as first_run_completed_at,
        max(completed_at) as last_run_completed_at,
        max(looked_at) as last_looked_at
    from times
    group by workspace
)

select counted.*, longest.longest_gap_days
from counted
left join longest on longest.workspace = counted.workspace
