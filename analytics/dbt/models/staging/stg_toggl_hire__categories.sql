-- Deleted categories stay: candidates were in them.
select workspace, id as category_id, job_opening_id, name, _sdc_deleted_at as deleted_at
from (
    {{ stream('categories', {
        'id': 'text',
        'job_opening_id': 'text',
        'name': 'text',
        '_sdc_deleted_at': 'timestamp',
    }) }}
) as categories
