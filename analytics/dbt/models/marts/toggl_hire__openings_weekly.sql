{{ config(grants=grants('toggl_hire_readers')) }}
{%- set began_at -%}
case when history.is_change then history.valid_from else coalesce(candidates.finished_at, history.valid_from) end
{%- endset %}
-- Changes that were observed. The first state of a candidate is one if it came about
-- after the first run.
with changes as (
    select
        history.workspace,
        history.candidate_id,
        history.job_opening_id,
        {{ week('history.valid_from') }} as week,
        candidates.deleted_at is not null and candidates.is_new and history.number = 1 as is_finished,
        case
            when history.number = 1 then candidates.is_new and stages.position > 1
            when history.job_opening_id is distinct from history.job_opening_id_before then false
            else stages.position > stages_before.position
        end as is_moved_on,
        history.hire_state = 'rejected'
            and history.hire_state_before is distinct from 'rejected'
            and (history.number > 1 or candidates.is_new) as is_rejected,
        history.hire_state = 'possible-hire'
            and history.hire_state_before is distinct from 'possible-hire'
            and (history.number > 1 or candidates.is_new) as is_possible_hire
    from {{ ref('int_toggl_hire__history') }} as history
    inner join {{ ref('int_toggl_hire__candidates') }} as candidates
        on candidates.workspace = history.workspace and candidates.candidate_id = history.candidate_id
    left join {{ ref('int_toggl_hire__stage_order') }} as stages
        on stages.workspace = history.workspace
        and stages.job_opening_id is not distinct from history.job_opening_id
        and stages.category_id = history.category_id
    left join {{ ref('int_toggl_hire__stage_order') }} as stages_before
        on stages_before.workspace = history.workspace
        and stages_before.job_opening_id is not distinct from history.job_opening_id
        and stages_before.category_id = history.category_id_before
    where not candidates.is_excluded
),

-- From a change, or the end of the test, until the next change.
waits as (
    select
        history.workspace,
        history.job_opening_id,
        history.hire_state,
        {{ began_at }} as began_at,
        {{ week(began_at) }} as began_week,
        lead({{ week('history.valid_from') }}) over (
            partition by history.workspace, history.candidate_id order by history.number
        ) as ended_week
    from {{ ref('int_toggl_hire__history') }} as history
    inner join {{ ref('int_toggl_hire__candidates') }} as candidates
        on candidates.workspace = history.workspace and candidates.candidate_id = history.candidate_id
    where (history.number = 1 or history.is_change) and candidates.deleted_at is null and not candidates.is_excluded
),

known as (
    select distinct
        looks.workspace,
        {{ week('days.day') }} as week,
        looks.first_run_completed_at,
        looks.last_looked_at
    from {{ ref('int_toggl_hire__looks') }} as looks
    {{ join_days('looks.history_since', 'looks.last_looked_at', 'days') }}
),

weeks as (
    select
        *,
        cast(week as {{ timestamp() }}) as week_began_at,
        {{ days_after('cast(week as ' ~ timestamp() ~ ')', 7) }} as week_ends_at
    from known
),

-- A gap of more than two days between runs that touches a week. The week in which it
-- ends is one of them: it gets the decisions that were missed.
interrupted as (
    select distinct weeks.workspace, weeks.week
    from weeks
    inner join {{ ref('int_toggl_hire__runs') }} as runs
        on runs.workspace = weeks.workspace
        and runs.finished_before < weeks.week_ends_at
        and runs.finished_at >= weeks.week_began_at
    where {{ days_between('runs.finished_before', 'runs.finished_at') }} > 2
),

counts as (
    select
        workspace,
        job_opening_id,
        week,
        count(distinct case when is_finished then candidate_id end) as finished,
        count(distinct case when is_moved_on then candidate_id end) as moved_on,
        count(distinct case when is_rejected then candidate_id end) as rejected,
        count(distinct case when is_possible_hire then candidate_id end) as possible_hires,
        0 as waiting,
        cast(null as {{ timestamp() }}) as waiting_since
    from changes
    group by workspace, job_opening_id, week
    union all
    select
        workspace,
        job_opening_id,
        {{ week('finished_at') }},
        count(*),
        0,
        0,
        0,
        0,
        null
    from {{ ref('int_toggl_hire__candidates') }}
    where deleted_at is null and not is_excluded
    group by workspace, job_opening_id, {{ week('finished_at') }}
    union all
    select
        waits.workspace,
        waits.job_opening_id,
        weeks.week,
        0,
        0,
        0,
        0,
        count(*),
        min(waits.began_at)
    from waits
    inner join weeks
        on weeks.workspace = waits.workspace
        and weeks.week >= waits.began_week
        -- A wait that ended in a week is over at its end.
        and (waits.ended_week is null or weeks.week < waits.ended_week)
    where waits.hire_state is null
    group by waits.workspace, waits.job_opening_id, weeks.week
),

summed as (
    select
        workspace,
        job_opening_id,
        week,
        sum(finished) as finished,
        sum(moved_on) as moved_on,
        sum(rejected) as rejected,
        sum(possible_hires) as possible_hires,
        sum(waiting) as waiting,
        min(waiting_since) as waiting_since
    from counts
    group by workspace, job_opening_id, week
),

places as (
    select workspace, job_opening_id, min(week) as week
    from summed
    group by workspace, job_opening_id
),

ended as (
    select
        weeks.workspace,
        places.job_opening_id,
        weeks.week,
        weeks.week_began_at >= weeks.first_run_completed_at
            and weeks.week_ends_at <= weeks.last_looked_at
            and interrupted.week is null as is_complete,
        case
            when weeks.week_ends_at < weeks.last_looked_at then weeks.week_ends_at
            else weeks.last_looked_at
        end as ended_at
    from weeks
    inner join places
        on places.workspace = weeks.workspace and weeks.week >= places.week
    left join interrupted
        on interrupted.workspace = weeks.workspace and interrupted.week = weeks.week
)

select
    ended.workspace,
    ended.job_opening_id,
    openings.job_opening,
    ended.week,
    coalesce(ended.is_complete, false) as is_complete,
    {%- for column in ['finished', 'moved_on', 'rejected', 'possible_hires', 'waiting'] %}
    cast(coalesce(summed.{{ column }}, 0) as bigint) as {{ column }},
    {%- endfor %}
    {{ days_between('summed.waiting_since', 'ended.ended_at') }} as longest_wait_days,
    {{ row_id(['ended.workspace', 'ended.job_opening_id', 'ended.week']) }} as row_id
from ended
left join summed
    on summed.workspace = ended.workspace
    and summed.job_opening_id is not distinct from ended.job_opening_id
    and summed.week = ended.week
left join {{ ref('toggl_hire__openings') }} as openings
    on openings.workspace = ended.workspace and openings.job_opening_id = ended.job_opening_id
