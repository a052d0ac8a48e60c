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

-- A decision was made between the run that saw it and the one before: in the middle.
unseen as (
    select
        moments.workspace,
        moments.decided_at,
        {{ days_between('runs.finished_before', 'runs.finished_at') }} / 2 as half,
        {{ days_between('runs.finished_before', 'moments.decided_at') }} as most,
        row_number() over (
            partition by moments.workspace, moments.decided_at order by runs.finished_at, runs.row_id
        ) as number
    from (select distinct workspace, decided_at from observed where decided_at is not null) as moments
    inner join {{ ref('int_toggl_hire__runs') }} as runs
        on runs.workspace = moments.workspace
        and moments.decided_at > runs.finished_before
        and moments.decided_at <= runs.finished_at
),

decided as (
    select
        candidates.workspace,
        candidates.candidate_id,
        candidates.job_opening_id,
        candidates.deleted_at,
        candidates.is_excluded,
        -- The end of the test of an erased candidate is not known.
        coalesce(candidates.finished_at, candidates.first_observed_at) as began_at,
        candidates.first_observed_at,
        case
            when coalesce(observed.is_decided_before, candidates.hire_state is not null) then 'decided before'
            when observed.decided_at is not null then 'decided'
            else 'waiting'
        end as decision,
        observed.decided_at,
        coalesce(case when unseen.half > unseen.most then unseen.most else unseen.half end, 0) as days_unseen,
        candidates.deleted_at is null and candidates.hire_state is null as is_waiting,
        case
            when candidates.deleted_at is null and candidates.hire_state is null
                then coalesce(observed.last_change_at, candidates.finished_at, candidates.first_observed_at)
        end as waiting_since,
        looks.last_looked_at
    from {{ ref('int_toggl_hire__candidates') }} as candidates
    left join observed
        on observed.workspace = candidates.workspace and observed.candidate_id = candidates.candidate_id
    left join unseen
        on unseen.workspace = observed.workspace
        and unseen.decided_at = observed.decided_at
        and unseen.number = 1
    left join {{ ref('int_toggl_hire__looks') }} as looks
        on looks.workspace = candidates.workspace
),

waits as (
    select
        workspace,
        candidate_id,
        job_opening_id,
        deleted_at is not null as is_erased,
        is_excluded,
        began_at,
        case
            when first_observed_at <= began_at then 0
            else {{ days_between('began_at', 'first_observed_at') }}
        end as entered_after_days,
        decision,
        case when decision = 'decided' then decided_at end as decided_at,
        case when decision = 'decided' then {{ days_between('began_at', 'decided_at') }} end as days_to_decision,
        case
            when decision = 'decided' then {{ days_between('began_at', 'decided_at') }} - days_unseen
            when decision = 'waiting' then {{ days_between('began_at', 'coalesce(deleted_at, last_looked_at)') }}
        end as days_undecided,
        is_waiting,
        waiting_since,
        {{ days_between('waiting_since', 'last_looked_at') }} as days_waiting,
        {{ row_id(['workspace', 'candidate_id']) }} as row_id
    from decided
)

select *, days_undecided > entered_after_days and not is_excluded as is_wait
from waits
