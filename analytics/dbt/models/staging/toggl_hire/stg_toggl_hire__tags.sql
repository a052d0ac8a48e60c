{{ stream('tags', key=['tag_id'], columns={
    'tag_id': ['id', 'text'],
    'name': 'text',
    'deleted_at': ['_sdc_deleted_at', 'timestamp'],
}) }}
