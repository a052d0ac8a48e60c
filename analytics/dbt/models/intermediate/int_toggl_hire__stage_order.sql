{%- set overriding = var('toggl_hire_stage_order') %}
{%- set weight = 5 %}
with categories as (
    select * from {{ ref('stg_toggl_hire__categories') }}
),

stays as (
    select
        *,
        row_number() over (
            partition by workspace, candidate_id, job_opening_id order by stage_number
        ) as number
    from {{ ref('int_toggl_hire__stays') }}
    where category_id is not null
),

places as (
    select distinct
        places.workspace,
        places.job_opening_id,
        places.category_id,
        categories.name as category
    from (
        select workspace, job_opening_id, category_id from stays
        union all
        select workspace, job_opening_id, category_id
        from {{ ref('int_toggl_hire__candidates') }}
        where deleted_at is null and not is_excluded and category_id is not null
        union all
        select workspace, job_opening_id, category_id from categories where deleted_at is null
    ) as places
    left join categories
        on categories.workspace = places.workspace and categories.category_id = places.category_id
),

-- Where candidates are first seen: of those who appeared after the first complete run,
-- that is where they enter.
seen as (
    select
        stays.workspace,
        stays.job_opening_id,
        stays.category_id,
        count(*) as first_seen,
        count(case when stays.valid_from > looks.first_run_completed_at then 1 end) as entered
    from stays
    inner join {{ ref('int_toggl_hire__looks') }} as looks
        on looks.workspace = stays.workspace
    where stays.number = 1
    group by stays.workspace, stays.job_opening_id, stays.category_id
),

named as (
    select
        places.*,
        coalesce(seen.first_seen, 0) as first_seen,
        coalesce(seen.entered, 0) as entered,
        -- Few are shrunk to what is usual in the workspace, by name.
        coalesce(seen.entered, 0) + {{ weight }} * coalesce({{ ratio(
            'sum(seen.entered) over (partition by places.workspace, places.category)',
            'sum(seen.entered) over (partition by places.workspace)'
        ) }}, 0) as entries
    from places
    left join seen
        on seen.workspace = places.workspace
        and seen.job_opening_id is not distinct from places.job_opening_id
        and seen.category_id = places.category_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by workspace, job_opening_id
            order by entries desc, first_seen desc, {{ nulls_last('category') }}, category_id
        ) = 1 as is_entry
    from named
),

-- The number of the stage at the first visit, of those who began at the entry.
visits as (
    select stays.workspace, stays.job_opening_id, stays.category_id, min(stays.number) as number
    from stays
    inner join (
        select stays.workspace, stays.candidate_id, stays.job_opening_id
        from stays
        inner join ranked
            on ranked.workspace = stays.workspace
            and ranked.job_opening_id is not distinct from stays.job_opening_id
            and ranked.category_id = stays.category_id
        where stays.number = 1 and ranked.is_entry
    ) as entrants
        on entrants.workspace = stays.workspace
        and entrants.candidate_id = stays.candidate_id
        and entrants.job_opening_id is not distinct from stays.job_opening_id
    group by stays.workspace, stays.candidate_id, stays.job_opening_id, stays.category_id
),

counted as (
    select workspace, job_opening_id, category_id, count(*) as visits, sum(number) as numbers
    from visits
    group by workspace, job_opening_id, category_id
),

numbered as (
    select
        ranked.*,
        coalesce(counted.visits, 0) as visits,
        coalesce(counted.numbers, 0) as numbers,
        case
            when ranked.category is null then {{ ratio('counted.numbers', 'counted.visits') }}
            else {{ ratio(
                'sum(counted.numbers) over (partition by ranked.workspace, ranked.category)',
                'sum(counted.visits) over (partition by ranked.workspace, ranked.category)'
            ) }}
        end as usual_number
    from ranked
    left join counted
        on counted.workspace = ranked.workspace
        and counted.job_opening_id is not distinct from ranked.job_opening_id
        and counted.category_id = ranked.category_id
),

shrunk as (
    select *, (numbers + {{ weight }} * usual_number) / (visits + {{ weight }}) as number
    from numbered
)

select
    shrunk.workspace,
    shrunk.job_opening_id,
    openings.name as job_opening,
    shrunk.category_id,
    shrunk.category,
    row_number() over (
        partition by shrunk.workspace, shrunk.job_opening_id
        order by
            {%- if overriding %}
            case shrunk.category
                {%- for name in overriding %}
                when '{{ name | replace("'", "''") }}' then {{ loop.index }}
                {%- endfor %}
                else {{ overriding | length + 1 }}
            end,
            {%- endif %}
            case when shrunk.is_entry then 0 else 1 end,
            {{ nulls_last('shrunk.number') }},
            {{ nulls_last('shrunk.category') }},
            shrunk.category_id
    ) as position,
    {{ row_id(['shrunk.workspace', 'shrunk.job_opening_id', 'shrunk.category_id']) }} as row_id
from shrunk
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = shrunk.workspace and openings.job_opening_id = shrunk.job_opening_id
