with candidates as (
    select * from {{ ref('toggl_hire__candidates') }}
),

places as (
    select workspace, candidate_id, job_opening_id, category_id from candidates
    union -- not `union all`: a candidate counts once in each category
    select workspace, candidate_id, job_opening_id, category_id from {{ ref('int_toggl_hire__history') }}
),

reached as (
    select
        places.workspace,
        places.job_opening_id,
        places.category_id,
        cast(date_trunc('month', candidates.finished_at) as date) as month,
        candidates.hire_state,
        places.job_opening_id is not distinct from candidates.job_opening_id
            and places.category_id is not distinct from candidates.category_id as is_here
    from places
    inner join candidates
        on candidates.workspace = places.workspace and candidates.candidate_id = places.candidate_id
),

counted as (
    select
        workspace,
        job_opening_id,
        category_id,
        month,
        count(*) as reached,
        count(case when not is_here then 1 end) as went_on,
        count(case when is_here and hire_state = 'rejected' then 1 end) as dropped,
        count(case when is_here and hire_state is distinct from 'rejected' then 1 end) as still_here
    from reached
    group by workspace, job_opening_id, category_id, month
)

select
    counted.workspace,
    counted.job_opening_id,
    openings.name as job_opening,
    counted.category_id,
    categories.name as category,
    counted.month,
    counted.reached,
    counted.went_on,
    counted.dropped,
    counted.still_here
from counted
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = counted.workspace and openings.job_opening_id = counted.job_opening_id
left join {{ ref('stg_toggl_hire__categories') }} as categories
    on categories.workspace = counted.workspace and categories.category_id = counted.category_id
