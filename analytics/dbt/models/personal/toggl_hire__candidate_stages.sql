{{ config(grants=grants('toggl_hire_personal_readers')) }}
with stays as (
    select * from {{ ref('int_toggl_hire__stays') }} where not is_erased
),

placed as (
    select
        stays.*,
        positions.category,
        positions.position,
        lead(stays.valid_from) over (partition by stays.workspace, stays.candidate_id order by stays.stage_number)
            as next_from,
        lead(stays.job_opening_id) over (partition by stays.workspace, stays.candidate_id order by stays.stage_number)
            as next_job_opening_id,
        lead(positions.position) over (partition by stays.workspace, stays.candidate_id order by stays.stage_number)
            as next_position
    from stays
    left join {{ ref('int_toggl_hire__stage_order') }} as positions
        on positions.workspace = stays.workspace
        and positions.job_opening_id is not distinct from stays.job_opening_id
        and positions.category_id = stays.category_id
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
    ended.job_opening,
    ended.category_id,
    ended.category,
    ended.position,
    ended.valid_from,
    ended.valid_to,
    ended.ended_by,
    {{ days_between('ended.valid_from', 'coalesce(ended.valid_to, looks.last_looked_at)') }} as days,
    ended.valid_to is null as is_current,
    ended.stage_number = 1
        and coalesce(ended.valid_from <= looks.first_run_completed_at, true) as began_before_first_run,
    ended.row_id
from ended
left join {{ ref('int_toggl_hire__looks') }} as looks
    on looks.workspace = ended.workspace
