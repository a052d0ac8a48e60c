{{ stream('job_openings', key=['job_opening_id'], columns={
    'job_opening_id': ['id', 'text'],
    'name': 'text',
    'created_at': 'timestamp',
    'published_at': 'timestamp',
    'closed_at': 'timestamp',
    'deleted_at': ['_sdc_deleted_at', 'timestamp'],
}) }}
