-- One row per candidate with a history: when the first decision was observed. A decision
-- is a hire state that is set, or a move to another category (a move to none is not: the
-- category may have been deleted).
select
    workspace,
    candidate_id,
    min(valid_from) as first_observed_at,
    max(valid_from) as last_changed_at,
    -- The first state was there when the tap first looked: since when, is not known.
    max(case when number = 1 and hire_state is not null then 1 else 0 end) = 1 as is_decided_before,
    min(
        case
            when number > 1 and (hire_state is not null or category_id <> coalesce(category_id_before, ''))
                then valid_from
        end
    ) as decided_at
from {{ ref('int_toggl_hire__history') }}
group by workspace, candidate_id
