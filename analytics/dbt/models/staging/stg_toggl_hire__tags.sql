select workspace, id as tag_id, name
from (
    {{ stream('tags', {'id': 'text', 'name': 'text', '_sdc_deleted_at': 'timestamp'}) }}
) as tags
where _sdc_deleted_at is null
