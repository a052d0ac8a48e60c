{{ stream('candidate_details', key=['candidate_id'], columns=dict(candidate_columns(), tag_ids='json')) }}
