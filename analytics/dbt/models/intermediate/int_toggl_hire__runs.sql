select
    workspace,
    finished_at,
    lag(finished_at) over (partition by workspace order by finished_at, started_at) as finished_before,
    row_id
from {{ ref('stg_toggl_hire__sync_runs') }}
where outcome = 'complete' and finished_at is not null
