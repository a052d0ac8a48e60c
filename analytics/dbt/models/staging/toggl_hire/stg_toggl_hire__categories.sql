{{ stream('categories', key=['category_id'], columns={
    'category_id': ['id', 'text'],
    'job_opening_id': 'text',
    'name': 'text',
    'deleted_at': ['_sdc_deleted_at', 'timestamp'],
}) }}
