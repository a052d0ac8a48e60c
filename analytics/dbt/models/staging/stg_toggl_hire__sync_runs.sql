select *
from (
    {{ stream('sync_runs', {
        'started_at': 'timestamp',
        'finished_at': 'timestamp',
        'outcome': 'text',
        'candidates_held': 'bigint',
    }) }}
) as sync_runs
