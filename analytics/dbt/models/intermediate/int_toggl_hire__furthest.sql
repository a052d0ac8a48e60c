with people as (
    select
        workspace,
        candidate_id,
        job_opening_id,
        category_id,
        hire_state,
        deleted_at is not null as is_erased,
        finished_at
    from {{ ref('int_toggl_hire__candidates') }}
    where not is_excluded
),

steps as (
    select workspace, candidate_id, job_opening_id, category_id, cast(null as {{ timestamp() }}) as observed_at
    from people
    union all
    select workspace, candidate_id, job_opening_id, category_id, min(valid_from)
    from {{ ref('int_toggl_hire__history') }}
    group by workspace, candidate_id, job_opening_id, category_id
),

furthest as (
    select
        steps.workspace,
        steps.candidate_id,
        steps.job_opening_id,
        max(stages.position) as position,
        min(steps.observed_at) as first_observed_at
    from steps
    inner join {{ ref('int_toggl_hire__stage_order') }} as stages
        on stages.workspace = steps.workspace
        and stages.job_opening_id is not distinct from steps.job_opening_id
        and stages.category_id = steps.category_id
    group by steps.workspace, steps.candidate_id, steps.job_opening_id
)

select
    people.workspace,
    people.candidate_id,
    people.job_opening_id,
    people.hire_state,
    people.is_erased,
    cast({{ dbt.date_trunc('month', 'coalesce(people.finished_at, furthest.first_observed_at)') }} as date) as month,
    furthest.position,
    {{ row_id(['people.workspace', 'people.candidate_id']) }} as row_id
from people
inner join furthest
    on furthest.workspace = people.workspace
    and furthest.candidate_id = people.candidate_id
    and furthest.job_opening_id is not distinct from people.job_opening_id
