with stages as (
    select
        workspace,
        candidate_id,
        stage_number,
        job_opening_id,
        category_id,
        min(valid_from) as valid_from,
        case when count(valid_to) = count(*) then max(valid_to) end as valid_to
    from {{ ref('int_toggl_hire__history') }}
    group by workspace, candidate_id, stage_number, job_opening_id, category_id
)

select
    stages.workspace,
    stages.candidate_id,
    cast(stages.stage_number as bigint) as stage_number,
    stages.job_opening_id,
    openings.name as job_opening,
    stages.category_id,
    categories.name as category,
    stages.valid_from,
    stages.valid_to,
    {{ days_between('stages.valid_from', 'coalesce(stages.valid_to, workspaces.last_looked_at)') }} as days,
    stages.valid_to is null as is_current,
    stages.stage_number = 1
        and coalesce(stages.valid_from <= workspaces.first_run_completed_at, true) as began_before_first_run
from stages
left join {{ ref('toggl_hire__workspaces') }} as workspaces
    on workspaces.workspace = stages.workspace
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = stages.workspace and openings.job_opening_id = stages.job_opening_id
left join {{ ref('stg_toggl_hire__categories') }} as categories
    on categories.workspace = stages.workspace and categories.category_id = stages.category_id
