{{ config(grants=grants('toggl_hire_readers')) }}
select
    workspace,
    started_at,
    finished_at,
    outcome,
    tap_version,
    api_version,
    unknown_fields,
    mismatched_fields,
    missing_fields,
    row_id
from {{ ref('stg_toggl_hire__sync_runs') }}
where started_at is not null
