{{ config(grants=grants('toggl_hire_readers')) }}
with furthest as (
    select
        workspace,
        job_opening_id,
        month,
        position,
        count(*) as candidates,
        count(case when is_erased then 1 end) as erased,
        count(case when not is_erased and hire_state = 'rejected' then 1 end) as rejected
    from {{ ref('int_toggl_hire__furthest') }}
    group by workspace, job_opening_id, month, position
),

counted as (
    select
        stages.workspace,
        stages.job_opening_id,
        stages.job_opening,
        stages.category_id,
        stages.category,
        stages.position,
        furthest.month,
        sum(case when furthest.position >= stages.position then furthest.candidates else 0 end) as reached,
        sum(case when furthest.position > stages.position then furthest.candidates else 0 end) as advanced,
        sum(case when furthest.position = stages.position then furthest.rejected else 0 end) as rejected,
        sum(case when furthest.position = stages.position then furthest.erased else 0 end) as erased
    from {{ ref('toggl_hire__stage_order') }} as stages
    inner join furthest
        on furthest.workspace = stages.workspace
        and furthest.job_opening_id is not distinct from stages.job_opening_id
    group by
        stages.workspace,
        stages.job_opening_id,
        stages.job_opening,
        stages.category_id,
        stages.category,
        stages.position,
        furthest.month
)

select
    workspace,
    job_opening_id,
    job_opening,
    category_id,
    category,
    position,
    month,
    cast(reached as bigint) as reached,
    cast(advanced as bigint) as advanced,
    cast(rejected as bigint) as rejected,
    cast(reached - advanced - rejected - erased as bigint) as waiting,
    cast(erased as bigint) as erased,
    {{ row_id(['workspace', 'job_opening_id', 'category_id', 'month']) }} as row_id
from counted
