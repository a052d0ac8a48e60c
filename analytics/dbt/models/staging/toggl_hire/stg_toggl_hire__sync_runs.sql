{{ stream('sync_runs', key=['started_at'], columns={
    'started_at': 'timestamp',
    'finished_at': 'timestamp',
    'outcome': 'text',
    'candidates_held': 'bigint',
    'details_held': 'bigint',
    'answers_held': 'bigint',
}) }}
