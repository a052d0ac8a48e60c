{{ config(enabled=var('toggl_hire_groups') is not none, grants=grants('toggl_hire_readers')) }}
with counted as (
    select
        furthest.workspace,
        furthest.job_opening_id,
        furthest.job_opening,
        groups.group_name,
        count(*) as candidates,
        count(case when furthest.position > 1 then 1 end) as advanced
    from {{ ref('int_toggl_hire__furthest') }} as furthest
    inner join {{ ref('stg_toggl_hire__groups') }} as groups
        on groups.candidate_id = furthest.candidate_id
    group by furthest.workspace, furthest.job_opening_id, furthest.job_opening, groups.group_name
),

ranked as (
    select
        *,
        {{ ratio('advanced', 'candidates') }} as rate,
        row_number() over (
            partition by workspace, job_opening_id
            order by {{ ratio('advanced', 'candidates') }} desc, candidates desc, group_name
        ) as place
    from counted
),

compared as (
    select
        ranked.*,
        {{ ratio('ranked.rate', 'highest.rate') }} as ratio,
        case
            when ranked.place > 1 and ranked.advanced > 0
                then 1.96 * sqrt(
                    1.0 / ranked.advanced - 1.0 / ranked.candidates
                    + 1.0 / highest.advanced - 1.0 / highest.candidates
                )
        end as deviation
    from ranked
    inner join ranked as highest
        on highest.workspace = ranked.workspace
        and highest.job_opening_id is not distinct from ranked.job_opening_id
    where highest.place = 1
),

bounded as (
    select
        *,
        cast(exp(ln(case when ratio > 0 then ratio end) - deviation) as {{ double() }}) as ratio_low,
        cast(exp(ln(case when ratio > 0 then ratio end) + deviation) as {{ double() }}) as ratio_high
    from compared
)

select
    bounded.workspace,
    bounded.job_opening_id,
    bounded.job_opening,
    bounded.group_name,
    bounded.candidates,
    bounded.advanced,
    bounded.rate,
    bounded.ratio,
    bounded.ratio_low,
    bounded.ratio_high,
    coalesce(bounded.ratio_high < 1, false) as is_conclusive,
    {{ row_id(['bounded.workspace', 'bounded.job_opening_id', 'bounded.group_name']) }} as row_id
from bounded
