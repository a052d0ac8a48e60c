-- One row per observed state of each candidate who is not erased: from when until when
-- it held, and which of the candidate's stages it belongs to. A stage lasts as long as
-- the candidate is in the same category; whoever was deleted and came back begins anew.
with events as (
    select
        history.*,
        lead(observed_at) over candidate as valid_to,
        lag(event) over candidate as event_before
    from {{ ref('stg_toggl_hire__candidate_history') }} as history
    where not exists (
        select 1
        from {{ ref('toggl_hire__erasures') }} as erasures
        where erasures.workspace = history.workspace and erasures.candidate_id = history.candidate_id
    )
    window candidate as (partition by workspace, candidate_id order by observed_at, event_id)
),

states as (
    select
        *,
        row_number() over candidate as number,
        lag(job_opening_id) over candidate as job_opening_id_before,
        lag(category_id) over candidate as category_id_before
    from events
    where event <> 'deleted'
    window candidate as (partition by workspace, candidate_id order by observed_at, event_id)
)

select
    workspace,
    candidate_id,
    number,
    observed_at as valid_from,
    valid_to,
    job_opening_id,
    category_id,
    category_id_before,
    hire_state,
    sum(
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
    ) as stage_number
from states
