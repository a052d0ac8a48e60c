with tagged as (
    select
        candidates.workspace,
        candidates.candidate_id,
        {{ json_text('items.value') }} as tag_id,
        min(items.place) as place
    from {{ ref('int_toggl_hire__candidates') }} as candidates
    {{ join_items('candidates.tag_ids', 'items') }}
    where candidates.deleted_at is null and not candidates.is_excluded
    group by candidates.workspace, candidates.candidate_id, {{ json_text('items.value') }}
)

select
    tagged.workspace,
    tagged.candidate_id,
    tagged.tag_id,
    tagged.place,
    tags.name as tag,
    {{ row_id(['tagged.workspace', 'tagged.candidate_id', 'tagged.tag_id']) }} as row_id
from tagged
left join {{ ref('stg_toggl_hire__tags') }} as tags
    on tags.workspace = tagged.workspace and tags.tag_id = tagged.tag_id and tags.deleted_at is null
