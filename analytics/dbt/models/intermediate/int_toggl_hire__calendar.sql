with days as (
    select
        looks.workspace,
        days.day,
        {{ week('days.day') }} as week,
        looks.first_run_completed_at,
        looks.last_looked_at
    from {{ ref('int_toggl_hire__looks') }} as looks
    {{ join_days('looks.history_since', 'looks.last_looked_at', 'days') }}
)

select
    *,
    cast(week as {{ timestamp() }}) as week_began_at,
    {{ days_after('cast(week as ' ~ timestamp() ~ ')', 7) }} as week_ends_at,
    {{ row_id(['workspace', 'day']) }} as row_id
from days
