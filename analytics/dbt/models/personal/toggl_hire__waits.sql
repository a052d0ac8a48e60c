{{ config(grants=grants('toggl_hire_personal_readers')) }}
select
    waits.workspace,
    waits.candidate_id,
    waits.job_opening_id,
    openings.name as job_opening,
    waits.is_erased,
    waits.began_at,
    waits.entered_after_days,
    cast(waits.days_undecided as numeric(28, 6)) as days_undecided,
    waits.decision = 'decided' as is_decided,
    waits.row_id
from {{ ref('int_toggl_hire__decisions') }} as waits
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = waits.workspace and openings.job_opening_id = waits.job_opening_id
where waits.is_wait
