-- One row per workspace: when the tap looked first and last. Ages are counted up to the
-- last look, not to the moment of the build: the same data give the same answers.
with looks as (
    select workspace, observed_at as looked_at, cast(null as timestamp) as completed_at
    from {{ ref('stg_toggl_hire__candidate_history') }}
    union all
    select workspace, finished_at, case when outcome = 'complete' then finished_at end
    from {{ ref('stg_toggl_hire__sync_runs') }}
)

select
    workspace,
    min(completed_at) as first_run_completed_at,
    max(looked_at) as last_looked_at
from looks
group by workspace
