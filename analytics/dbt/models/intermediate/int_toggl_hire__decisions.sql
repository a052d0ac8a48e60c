with observed as (
    select
        history.workspace,
        history.candidate_id,
        -- It was made before the tap first looked: when, is not known.
        max(
            case
                when history.number = 1 and (history.hire_state is not null or stages.position > 1) then 1 else 0
            end
        ) = 1 as is_decided_before,
        min(case when history.is_change then history.valid_from end) as decided_at,
        max(case when history.is_change then history.valid_from end) as last_change_at
    from {{ ref('int_toggl_hire__history') }} as history
    left join {{ ref('int_toggl_hire__stage_order') }} as stages
        on stages.workspace = history.workspace
        and stages.job_opening_id is not distinct from history.job_opening_id
        and stages.category_id = history.category_id
    group by history.workspace, history.candidate_id
),

decided as (
    select
        candidates.workspace,
        candidates.candidate_id,
        candidates.finished_at,
        candidates.first_observed_at,
        case
            when coalesce(observed.is_decided_before, candidates.hire_state is not null) then 'decided before'
            when observed.decided_at is not null then 'decided'
            else 'waiting'
        end as decision,
        observed.decided_at,
        candidates.hire_state is null as is_waiting,
        case
            when candidates.hire_state is null
                then coalesce(observed.last_change_at, candidates.finished_at, candidates.first_observed_at)
        end as waiting_since,
        looks.last_looked_at
    from {{ ref('int_toggl_hire__candidates') }} as candidates
    left join observed
        on observed.workspace = candidates.workspace and observed.candidate_id = candidates.candidate_id
    left join {{ ref('int_toggl_hire__looks') }} as looks
        on looks.workspace = candidates.workspace
    where candidates.deleted_at is null
)

select
    workspace,
    candidate_id,
    case
        when first_observed_at <= finished_at then 0
        else {{ days_between('finished_at', 'first_observed_at') }}
    end as entered_after_days,
    decision,
    case when decision = 'decided' then decided_at end as decided_at,
    case when decision = 'decided' then {{ days_between('finished_at', 'decided_at') }} end as days_to_decision,
    is_waiting,
    waiting_since,
    {{ days_between('waiting_since', 'last_looked_at') }} as days_waiting,
    {{ row_id(['workspace', 'candidate_id']) }} as row_id
from decided
