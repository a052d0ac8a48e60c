select
    looks.workspace,
    days.day,
    {{ week('days.day') }} as week,
    looks.first_run_completed_at,
    looks.last_looked_at,
    {{ row_id(['looks.workspace', 'days.day']) }} as row_id
from {{ ref('int_toggl_hire__looks') }} as looks
{{ join_days('looks.history_since', 'looks.last_looked_at', 'days') }}
