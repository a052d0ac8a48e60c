{{ config(grants=grants('toggl_hire_personal_readers')) }}
with history as (
    select
        history.*,
        -- A rejection that was undone ends no stage.
        max(case when history.hire_state is distinct from 'rejected' then history.number end) over (
            partition by history.workspace, history.candidate_id, history.stage_number
        ) as last_number_in_play
    from {{ ref('int_toggl_hire__history') }} as history
    inner join {{ ref('int_toggl_hire__candidates') }} as candidates
        on candidates.workspace = history.workspace and candidates.candidate_id = history.candidate_id
    where candidates.deleted_at is null
),

stages as (
    select
        workspace,
        candidate_id,
        stage_number,
        job_opening_id,
        category_id,
        min(valid_from) as valid_from,
        case when count(valid_to) = count(*) then max(valid_to) end as left_at,
        min(case when number > coalesce(last_number_in_play, 0) then valid_from end) as rejected_at
    from history
    group by workspace, candidate_id, stage_number, job_opening_id, category_id
),

placed as (
    select
        stages.*,
        positions.category,
        positions.position,
        lead(stages.valid_from) over (partition by stages.workspace, stages.candidate_id order by stages.stage_number)
            as next_from,
        lead(stages.job_opening_id) over (partition by stages.workspace, stages.candidate_id order by stages.stage_number)
            as next_job_opening_id,
        lead(positions.position) over (partition by stages.workspace, stages.candidate_id order by stages.stage_number)
            as next_position
    from stages
    left join {{ ref('toggl_hire__stage_order') }} as positions
        on positions.workspace = stages.workspace
        and positions.job_opening_id is not distinct from stages.job_opening_id
        and positions.category_id = stages.category_id
),

ended as (
    select
        *,
        coalesce(rejected_at, left_at) as valid_to,
        case
            when rejected_at is not null then 'rejected'
            when next_from is null or next_from > left_at then null -- deleted
            when next_job_opening_id is distinct from job_opening_id then 'moved on'
            when next_position > position then 'moved on'
            when next_position < position then 'moved back'
        end as ended_by
    from placed
)

select
    ended.workspace,
    ended.candidate_id,
    ended.stage_number,
    ended.job_opening_id,
    openings.name as job_opening,
    ended.category_id,
    ended.category,
    ended.position,
    ended.valid_from,
    ended.valid_to,
    ended.ended_by,
    {{ days_between('ended.valid_from', 'coalesce(ended.valid_to, looks.last_looked_at)') }} as days,
    ended.valid_to is null as is_current,
    ended.stage_number = 1
        and coalesce(ended.valid_from <= looks.first_run_completed_at, true) as began_before_first_run
from ended
left join {{ ref('int_toggl_hire__looks') }} as looks
    on looks.workspace = ended.workspace
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = ended.workspace and openings.job_opening_id = ended.job_opening_id
