with events as (
    select
        *,
        lead(observed_at) over (partition by workspace, candidate_id order by observed_at, event_id) as valid_to,
        lag(event) over (partition by workspace, candidate_id order by observed_at, event_id) as event_before
    from {{ ref('stg_toggl_hire__candidate_history') }}
),

states as (
    select
        *,
        row_number() over (partition by workspace, candidate_id order by observed_at, event_id) as number,
        lag(job_opening_id) over (partition by workspace, candidate_id order by observed_at, event_id)
            as job_opening_id_before,
        lag(category_id) over (partition by workspace, candidate_id order by observed_at, event_id)
            as category_id_before,
        lag(hire_state) over (partition by workspace, candidate_id order by observed_at, event_id)
            as hire_state_before,
        lead(event_id) over (partition by workspace, candidate_id order by observed_at, event_id) is null as is_last
    from events
    where event <> 'deleted'
)

select
    workspace,
    candidate_id,
    number,
    observed_at as valid_from,
    valid_to,
    is_last,
    job_opening_id,
    job_opening_id_before,
    category_id,
    category_id_before,
    hire_state,
    hire_state_before,
    -- A move to no category is none: the category may have been deleted.
    number > 1 and (
        coalesce(category_id <> coalesce(category_id_before, ''), false)
        or hire_state is distinct from hire_state_before
    ) as is_change,
    rating,
    points,
    score,
    tag_ids,
    cast(sum(
        case
            when number = 1
                or event_before = 'deleted'
                or job_opening_id is distinct from job_opening_id_before
                or category_id is distinct from category_id_before
                then 1
            else 0
        end
    ) over (
        partition by workspace, candidate_id order by number rows unbounded preceding
    ) as bigint) as stage_number,
    {{ row_id(['workspace', 'candidate_id', 'number']) }} as row_id
from states
