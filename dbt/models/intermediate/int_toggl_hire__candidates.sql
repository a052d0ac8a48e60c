-- One row per candidate, erased ones too, from whichever streams there are.
{%- set columns = [
    'name', 'email', 'profile_url', 'full_name', 'contact_email', 'linkedin', 'phone', 'city', 'country',
    'started_at', 'finished_at', 'points', 'score', 'rating', 'hire_state', 'category_id', 'job_opening_id',
    'has_contact_info', 'deleted_at',
] %}
with details as (
    select * from {{ ref('stg_toggl_hire__candidate_details') }}
),

last_events as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by workspace, candidate_id order by observed_at desc, event_id desc
            ) as place
        from {{ ref('stg_toggl_hire__candidate_history') }}
    ) as events
    where place = 1
),

ranked as (
    select
        *,
        row_number() over (partition by workspace, candidate_id order by precedence) as place
    from (
        select workspace, candidate_id, {{ columns | join(', ') }}, 1 as precedence
        from {{ ref('stg_toggl_hire__candidates') }}
        union all
        select workspace, candidate_id, {{ columns | join(', ') }}, 2
        from details
        union all
        select
            workspace,
            candidate_id,
            {%- for column in columns[:9] %}
            cast(null as text),
            {%- endfor %}
            cast(null as timestamp),
            cast(null as timestamp),
            points,
            score,
            rating,
            hire_state,
            category_id,
            job_opening_id,
            false,
            case when event = 'deleted' then observed_at end,
            3
        from last_events
    ) as sources
)

select
    ranked.workspace,
    ranked.candidate_id,
    {%- for column in columns %}
    ranked.{{ column }},
    {%- endfor %}
    coalesce(details.tag_ids, last_events.tag_ids) as tag_ids
from ranked
left join details
    on details.workspace = ranked.workspace and details.candidate_id = ranked.candidate_id
left join last_events
    on last_events.workspace = ranked.workspace and last_events.candidate_id = ranked.candidate_id
where ranked.place = 1
