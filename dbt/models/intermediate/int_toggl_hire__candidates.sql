-- One row per candidate, erased ones too, from whichever streams there are.
{%- set personal = ['name', 'email', 'profile_url'] %}
{%- set contact = ['full_name', 'contact_email', 'linkedin', 'phone', 'city', 'country', 'has_contact_info'] %}
{%- set others = [
    'started_at', 'finished_at', 'points', 'score', 'rating', 'hire_state', 'category_id', 'job_opening_id',
    'deleted_at',
] %}
{%- set columns = personal + contact + others %}
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
            {%- for column in personal + contact[:-1] %}
            cast(null as text),
            {%- endfor %}
            false,
            cast(null as timestamp),
            cast(null as timestamp),
            points,
            score,
            rating,
            hire_state,
            category_id,
            job_opening_id,
            case when event = 'deleted' then observed_at end,
            3
        from last_events
    ) as sources
)

select
    ranked.workspace,
    ranked.candidate_id,
    {%- for column in personal + others %}
    ranked.{{ column }},
    {%- endfor %}
    -- Contact details that are unlocked later show in the details alone.
    {%- for column in contact[:-1] %}
    coalesce(ranked.{{ column }}, details.{{ column }}) as {{ column }},
    {%- endfor %}
    ranked.has_contact_info or coalesce(details.has_contact_info, false) as has_contact_info,
    coalesce(details.tag_ids, last_events.tag_ids) as tag_ids
from ranked
left join details
    on details.workspace = ranked.workspace and details.candidate_id = ranked.candidate_id
left join last_events
    on last_events.workspace = ranked.workspace and last_events.candidate_id = ranked.candidate_id
where ranked.place = 1
