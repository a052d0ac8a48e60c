-- Deleted openings stay, as their candidates do.
select workspace, id as job_opening_id, name, slug, created_at, published_at, closed_at, _sdc_deleted_at as deleted_at
from (
    {{ stream('job_openings', {
        'id': 'text',
        'name': 'text',
        'slug': 'text',
        'created_at': 'timestamp',
        'published_at': 'timestamp',
        'closed_at': 'timestamp',
        '_sdc_deleted_at': 'timestamp',
    }) }}
) as job_openings
