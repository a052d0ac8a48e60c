-- Two runs of one selection at the same time, which share a state: each may lose what the
-- other has noted. A run that was killed has no row, and is not seen. What to do:
-- docs/troubleshooting.md.
{{ config(severity='warn') }}
with runs as (
    select
        workspace,
        scope,
        started_at,
        max(finished_at) over (
            partition by workspace, scope
            order by started_at
            rows between unbounded preceding and 1 preceding
        ) as finished_before
    from {{ ref('stg_toggl_hire__sync_runs') }}
    where outcome in ('complete', 'failed')
)

select workspace, scope, started_at, finished_before
from runs
-- Clocks of two machines may differ a little.
where {{ dbt.datediff('started_at', 'finished_before', 'second') }} > 10
