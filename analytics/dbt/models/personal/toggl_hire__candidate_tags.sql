{{ config(grants=grants('toggl_hire_personal_readers')) }}
select distinct
    candidates.workspace,
    candidates.candidate_id,
    {{ json_text('items.value') }} as tag_id,
    tags.name as tag
from {{ ref('int_toggl_hire__candidates') }} as candidates
{{ join_items('candidates.tag_ids', 'items') }}
left join {{ ref('stg_toggl_hire__tags') }} as tags
    on tags.workspace = candidates.workspace and tags.tag_id = {{ json_text('items.value') }}
where candidates.deleted_at is null
