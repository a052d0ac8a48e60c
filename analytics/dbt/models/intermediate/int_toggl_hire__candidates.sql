{%- set personal = ['name', 'email', 'profile_url', 'started_at', 'finished_at'] %}
{%- set contact = ['full_name', 'contact_email', 'linkedin', 'phone', 'city', 'country'] %}
{%- set states = ['points', 'score', 'rating', 'hire_state'] %}
{%- set places = ['job_opening_id', 'category_id'] %}
with observed as (
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

-- The list knows a candidate best, the details next; the history knows the last state.
found as (
    select
        coalesce(candidates.workspace, details.workspace, last_states.workspace) as workspace,
        coalesce(candidates.candidate_id, details.candidate_id, last_states.candidate_id) as candidate_id,
        {%- for column in personal %}
        case when candidates.candidate_id is not null then candidates.{{ column }} else details.{{ column }} end as {{ column }},
        {%- endfor %}
        -- Contact details that are unlocked later show in the details alone.
        {%- for column in contact %}
        coalesce(candidates.{{ column }}, details.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(candidates.has_contact_info, false) or coalesce(details.has_contact_info, false) as has_contact_info,
        {%- for column in states + places + ['deleted_at'] %}
        case
            when candidates.candidate_id is not null then candidates.{{ column }}
            when details.candidate_id is not null then details.{{ column }}
            else last_states.{{ 'valid_to' if column == 'deleted_at' else column }}
        end as {{ column }},
        {%- endfor %}
        coalesce(details.tag_ids, last_states.tag_ids) as tag_ids,
        {%- for column in places %}
        last_states.{{ column }} as last_{{ column }},
        {%- endfor %}
        last_states.first_observed_at,
        last_states.last_changed_at
    from {{ ref('stg_toggl_hire__candidates') }} as candidates
    full join {{ ref('stg_toggl_hire__candidate_details') }} as details
        on details.workspace = candidates.workspace and details.candidate_id = candidates.candidate_id
    full join last_states
        on last_states.workspace = coalesce(candidates.workspace, details.workspace)
        and last_states.candidate_id = coalesce(candidates.candidate_id, details.candidate_id)
)

select
    found.workspace,
    found.candidate_id,
    {%- for column in personal + contact + ['has_contact_info'] + states + ['deleted_at', 'tag_ids'] %}
    found.{{ column }},
    {%- endfor %}
    -- A tombstone has no opening; the history knows the last one.
    {%- for column in places %}
    case when found.deleted_at is null then found.{{ column }} else found.last_{{ column }} end as {{ column }},
    {%- endfor %}
    openings.name as job_opening,
    categories.name as category,
    found.first_observed_at,
    found.last_changed_at,
    -- The time of finishing of an erased candidate is not known. The first observation
    -- is close to it, except in the first run.
    coalesce(found.finished_at, found.first_observed_at) > looks.first_run_completed_at as is_new,
    {{ 'excluded.candidate_id is not null' if var('toggl_hire_exclude') else 'false' }} as is_excluded,
    {{ row_id(['found.workspace', 'found.candidate_id']) }} as row_id
from found
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
