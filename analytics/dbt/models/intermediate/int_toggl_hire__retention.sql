{#- Of a decision that was made before the first look, only that look is known. -#}
{%- set decided_at -%}
case when decisions.decision = 'decided before' then candidates.first_observed_at else decisions.decided_at end
{%- endset %}
with clocks as (
    select
        candidates.workspace,
        candidates.candidate_id,
        candidates.job_opening_id,
        candidates.job_opening,
        candidates.hire_state,
        decisions.decision,
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
    from {{ ref('int_toggl_hire__candidates') }} as candidates
    inner join {{ ref('int_toggl_hire__decisions') }} as decisions
        on decisions.workspace = candidates.workspace and decisions.candidate_id = candidates.candidate_id
    left join {{ ref('stg_toggl_hire__job_openings') }} as openings
        on openings.workspace = candidates.workspace and openings.job_opening_id = candidates.job_opening_id
    where candidates.deleted_at is null
)

select
    workspace,
    candidate_id,
    job_opening_id,
    job_opening,
    decision,
    hire_state,
    {{ days_after('began_at', var('toggl_hire_retention_days')) }} as due_at,
    {{ row_id(['workspace', 'candidate_id']) }} as row_id
from clocks
where began_at is not null
