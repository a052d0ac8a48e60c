-- One row per candidate with a history: when the first decision was observed. A decision
-- is a hire state that is set, or a move to another category (a move to none is not: the
-- category may have been deleted).
select
    history.workspace,
    history.candidate_id,
    min(history.valid_from) as first_observed_at,
    max(history.valid_from) as last_changed_at,
    -- It was made before the tap first looked: when, is not known.
    max(
        case
            when history.number = 1 and (history.hire_state is not null or stages.position > 1) then 1 else 0
        end
    ) = 1 as is_decided_before,
    min(
        case
            when history.number > 1
                and (
                    history.hire_state is not null
                    or history.category_id <> coalesce(history.category_id_before, '')
                )
                then history.valid_from
        end
    ) as decided_at
from {{ ref('int_toggl_hire__history') }} as history
left join {{ ref('toggl_hire__stage_order') }} as stages
    on stages.workspace = history.workspace
    and stages.job_opening_id is not distinct from history.job_opening_id
    and stages.category_id = history.category_id
group by history.workspace, history.candidate_id
