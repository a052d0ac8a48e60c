{%- set personal = ['name', 'email', 'profile_url'] %}
{%- set contact = ['full_name', 'contact_email', 'linkedin', 'phone', 'city', 'country', 'has_contact_info'] %}
{%- set others = ['started_at', 'finished_at', 'points', 'score', 'rating', 'hire_state', 'deleted_at'] %}
{%- set places = ['job_opening_id', 'category_id'] %}
{%- set columns = personal + contact + others + places %}
with candidates as (
    select * from {{ ref('stg_toggl_hire__candidates') }}
),

details as (
    select * from {{ ref('stg_toggl_hire__candidate_details') }}
),

observed as (
    select
        workspace,
        candidate_id,
        min(valid_from) as first_observed_at,
        max(valid_from) as last_changed_at
    from {{ ref('int_toggl_hire__history') }}
    group by workspace, candidate_id
),

last_states as (
    select history.*, observed.first_observed_at, observed.last_changed_at
    from {{ ref('int_toggl_hire__history') }} as history
    inner join observed
        on observed.workspace = history.workspace and observed.candidate_id = history.candidate_id
    where history.is_last
),

found as (
    select workspace, candidate_id, {{ columns | join(', ') }}
    from candidates
    union all
    select workspace, candidate_id, {{ columns | join(', ') }}
    from details
    where not exists (
        select 1 from candidates
        where candidates.workspace = details.workspace and candidates.candidate_id = details.candidate_id
    )
    union all
    select
        workspace,
        candidate_id,
        {%- for column in personal + contact[:-1] %}
        cast(null as {{ dbt.type_string() }}),
        {%- endfor %}
        false,
        cast(null as {{ timestamp() }}),
        cast(null as {{ timestamp() }}),
        points,
        score,
        rating,
        hire_state,
        valid_to,
        job_opening_id,
        category_id
    from last_states
    where not exists (
        select 1 from candidates
        where candidates.workspace = last_states.workspace and candidates.candidate_id = last_states.candidate_id
    )
    and not exists (
        select 1 from details
        where details.workspace = last_states.workspace and details.candidate_id = last_states.candidate_id
    )
)

select
    found.workspace,
    found.candidate_id,
    {%- for column in personal + others %}
    found.{{ column }},
    {%- endfor %}
    -- A tombstone has no opening; the history knows the last one.
    {%- for column in places %}
    case when found.deleted_at is null then found.{{ column }} else last_states.{{ column }} end as {{ column }},
    {%- endfor %}
    -- Contact details that are unlocked later show in the details alone.
    {%- for column in contact[:-1] %}
    coalesce(found.{{ column }}, details.{{ column }}) as {{ column }},
    {%- endfor %}
    found.has_contact_info or coalesce(details.has_contact_info, false) as has_contact_info,
    coalesce(details.tag_ids, last_states.tag_ids) as tag_ids,
    openings.name as job_opening,
    categories.name as category,
    last_states.first_observed_at,
    last_states.last_changed_at,
    -- The time of finishing of an erased candidate is not known. The first observation
    -- is close to it, except in the first run.
    coalesce(found.finished_at, last_states.first_observed_at) > looks.first_run_completed_at as is_new,
    {{ 'excluded.candidate_id is not null' if var('toggl_hire_exclude') else 'false' }} as is_excluded,
    {{ row_id(['found.workspace', 'found.candidate_id']) }} as row_id
from found
left join details
    on details.workspace = found.workspace and details.candidate_id = found.candidate_id
left join last_states
    on last_states.workspace = found.workspace and last_states.candidate_id = found.candidate_id
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = found.workspace and openings.job_opening_id = found.job_opening_id
left join {{ ref('stg_toggl_hire__categories') }} as categories
    on categories.workspace = found.workspace and categories.category_id = found.category_id
left join {{ ref('int_toggl_hire__looks') }} as looks
    on looks.workspace = found.workspace
{%- if var('toggl_hire_exclude') %}
left join {{ ref('stg_toggl_hire__excluded') }} as excluded
    on excluded.workspace = found.workspace and excluded.candidate_id = found.candidate_id
{%- endif %}
