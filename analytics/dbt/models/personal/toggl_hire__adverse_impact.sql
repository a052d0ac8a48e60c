{{ config(enabled=var('toggl_hire_groups') is not none, grants=grants('toggl_hire_personal_readers')) }}
{%- set least = var('toggl_hire_smallest_group') %}
with members as (
    select distinct
        furthest.workspace,
        furthest.job_opening_id,
        furthest.job_opening,
        furthest.candidate_id,
        grouped.group_name,
        case when furthest.position > 1 then 1 else 0 end as advanced
    from {{ ref('int_toggl_hire__furthest') }} as furthest
    inner join {{ ref('stg_toggl_hire__groups') }} as grouped
        on grouped.candidate_id = furthest.candidate_id
        and coalesce(grouped.workspace, furthest.workspace) = furthest.workspace
),

-- All groups of an opening together, a candidate of several groups once.
openings as (
    select workspace, job_opening_id, count(*) as candidates, sum(advanced) as advanced
    from (select distinct workspace, job_opening_id, candidate_id, advanced from members) as candidates
    group by workspace, job_opening_id
),

by_group as (
    select
        workspace,
        job_opening_id,
        job_opening,
        group_name,
        count(*) as candidates,
        sum(advanced) as advanced
    from members
    group by workspace, job_opening_id, job_opening, group_name
),

-- A group of few is not shown; neither are the others where they are few.
counted as (
    select
        by_group.workspace,
        by_group.job_opening_id,
        by_group.job_opening,
        by_group.group_name,
        case when by_group.candidates >= {{ least }} then by_group.candidates end as candidates,
        case when by_group.candidates >= {{ least }} then by_group.advanced end as advanced,
        case
            when by_group.candidates >= {{ least }} and openings.candidates - by_group.candidates >= {{ least }}
                then openings.candidates - by_group.candidates
        end as others_candidates,
        case
            when by_group.candidates >= {{ least }} and openings.candidates - by_group.candidates >= {{ least }}
                then openings.advanced - by_group.advanced
        end as others_advanced
    from by_group
    inner join openings
        on openings.workspace = by_group.workspace
        and openings.job_opening_id is not distinct from by_group.job_opening_id
),

rates as (
    select
        *,
        {{ ratio('advanced', 'candidates') }} as rate,
        {{ ratio('others_advanced', 'others_candidates') }} as others_rate
    from counted
),

-- Newcombe's interval of a difference, from Wilson's of each rate.
margins as (
    select
        *,
        {{ wilson('rate', 'candidates', -1) }} as low,
        {{ wilson('rate', 'candidates', 1) }} as high,
        {{ wilson('others_rate', 'others_candidates', -1) }} as others_low,
        {{ wilson('others_rate', 'others_candidates', 1) }} as others_high
    from rates
)

select
    margins.workspace,
    margins.job_opening_id,
    margins.job_opening,
    margins.group_name,
    margins.candidates,
    cast(margins.advanced as bigint) as advanced,
    margins.rate,
    margins.others_candidates,
    cast(margins.others_advanced as bigint) as others_advanced,
    margins.others_rate,
    {{ ratio('margins.rate', 'margins.others_rate') }} as ratio,
    margins.rate - margins.others_rate as difference,
    margins.rate - margins.others_rate - sqrt(
        (margins.rate - margins.low) * (margins.rate - margins.low)
        + (margins.others_high - margins.others_rate) * (margins.others_high - margins.others_rate)
    ) as difference_low,
    margins.rate - margins.others_rate + sqrt(
        (margins.high - margins.rate) * (margins.high - margins.rate)
        + (margins.others_rate - margins.others_low) * (margins.others_rate - margins.others_low)
    ) as difference_high,
    {{ row_id(['margins.workspace', 'margins.job_opening_id', 'margins.group_name']) }} as row_id
from margins
