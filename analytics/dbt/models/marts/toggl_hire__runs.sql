{{ config(grants=grants('toggl_hire_readers')) }}
select workspace, started_at, finished_at, outcome, row_id
from {{ ref('stg_toggl_hire__sync_runs') }}
where started_at is not null
