{{ config(grants=grants('toggl_hire_personal_readers')) }}
{#- Of a decision that was made before the first look, only that look is known. -#}
{%- set decided_at -%}
case when candidates.decision = 'decided before' then candidates.first_observed_at else candidates.decided_at end
{%- endset -%}
with clocks as (
    select
        candidates.workspace,
        candidates.candidate_id,
        candidates.job_opening_id,
        candidates.job_opening,
        {%- if var('toggl_hire_retention_clock') == 'finished' %}
        candidates.finished_at as began_at
        {%- elif var('toggl_hire_retention_clock') == 'decided_or_closed' %}
        case
            when coalesce({{ decided_at }}, openings.closed_at) > coalesce(openings.closed_at, {{ decided_at }})
                then {{ decided_at }}
            else coalesce(openings.closed_at, {{ decided_at }})
        end as began_at
        {%- else %}
        {{ exceptions.raise_compiler_error('toggl_hire_retention_clock: not one of finished, decided_or_closed.') }}
        {%- endif %}
    from {{ ref('toggl_hire__candidates') }} as candidates
    left join {{ ref('stg_toggl_hire__job_openings') }} as openings
        on openings.workspace = candidates.workspace and openings.job_opening_id = candidates.job_opening_id
),

due as (
    select *, {{ days_after('began_at', var('toggl_hire_retention_days')) }} as due_at
    from clocks
    where began_at is not null
)

select
    due.workspace,
    due.candidate_id,
    due.job_opening_id,
    due.job_opening,
    due.due_at,
    {{ days_between('due.due_at', 'looks.last_looked_at') }} as days_overdue
from due
left join {{ ref('int_toggl_hire__looks') }} as looks
    on looks.workspace = due.workspace
