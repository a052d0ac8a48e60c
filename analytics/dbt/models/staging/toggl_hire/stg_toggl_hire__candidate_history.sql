{{ stream('candidate_history', key=['event_id'], columns={
    'event_id': 'text',
    'candidate_id': 'text',
    'observed_at': 'timestamp',
    'event': 'text',
    'job_opening_id': 'text',
    'category_id': 'text',
    'hire_state': 'text',
    'rating': 'numeric',
    'points': 'numeric',
    'score': 'numeric',
    'finished_at': 'timestamp',
    'tag_ids': 'json',
}) }}
