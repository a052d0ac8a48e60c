{{ config(grants=grants('toggl_hire_readers')) }}
-- How many came into each category and left it on each day, summed up day by day: the
-- work grows with the changes, not with candidates times days.
with history as (
    select
        history.workspace,
        history.job_opening_id,
        history.category_id,
        cast(history.valid_from as date) as first_day,
        cast(history.valid_to as date) as last_day,
        case when history.hire_state is null then 1 else 0 end as undecided,
        case when history.hire_state = 'possible-hire' then 1 else 0 end as possible_hires,
        case when history.hire_state = 'rejected' then 1 else 0 end as rejected
    from {{ ref('int_toggl_hire__history') }} as history
    inner join {{ ref('int_toggl_hire__stays') }} as stays
        on stays.workspace = history.workspace
        and stays.candidate_id = history.candidate_id
        and stays.stage_number = history.stage_number
    where not stays.is_erased
),

changes as (
    select
        workspace,
        job_opening_id,
        category_id,
        day,
        sum(candidates) as candidates,
        sum(undecided) as undecided,
        sum(possible_hires) as possible_hires,
        sum(rejected) as rejected
    from (
        select workspace, job_opening_id, category_id, first_day as day, 1 as candidates, undecided, possible_hires, rejected
        from history
        union all
        select workspace, job_opening_id, category_id, last_day, -1, -undecided, -possible_hires, -rejected
        from history
        where last_day is not null
    ) as moves
    group by workspace, job_opening_id, category_id, day
),

places as (
    select distinct workspace, job_opening_id, category_id from changes
),

sums as (
    select
        days.day,
        places.workspace,
        places.job_opening_id,
        places.category_id,
        {%- for count in ['candidates', 'undecided', 'possible_hires', 'rejected'] %}
        cast(sum(coalesce(changes.{{ count }}, 0)) over (
            partition by places.workspace, places.job_opening_id, places.category_id
            order by days.day rows unbounded preceding
        ) as bigint) as {{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from places
    inner join {{ ref('int_toggl_hire__calendar') }} as days
        on days.workspace = places.workspace
    left join changes
        on changes.workspace = places.workspace
        and changes.job_opening_id is not distinct from places.job_opening_id
        and changes.category_id is not distinct from places.category_id
        and changes.day = days.day
)

select
    sums.workspace,
    sums.day,
    sums.job_opening_id,
    openings.job_opening,
    sums.category_id,
    categories.name as category,
    sums.candidates,
    sums.candidates - sums.rejected as in_play,
    sums.undecided,
    sums.possible_hires,
    sums.rejected,
    {{ row_id(['sums.workspace', 'sums.day', 'sums.job_opening_id', 'sums.category_id']) }} as row_id
from sums
left join {{ ref('toggl_hire__openings') }} as openings
    on openings.workspace = sums.workspace and openings.job_opening_id = sums.job_opening_id
left join {{ ref('stg_toggl_hire__categories') }} as categories
    on categories.workspace = sums.workspace and categories.category_id = sums.category_id
where sums.candidates > 0
