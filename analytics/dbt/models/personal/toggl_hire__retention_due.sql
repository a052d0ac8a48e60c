{{ config(grants=grants('toggl_hire_personal_readers')) }}
select
    due.workspace,
    due.candidate_id,
    due.job_opening_id,
    due.job_opening,
    due.decision,
    due.hire_state,
    due.due_at,
    {{ days_between('due.due_at', 'looks.last_looked_at') }} as days_overdue,
    due.row_id
from {{ ref('int_toggl_hire__retention') }} as due
left join {{ ref('int_toggl_hire__looks') }} as looks
    on looks.workspace = due.workspace
