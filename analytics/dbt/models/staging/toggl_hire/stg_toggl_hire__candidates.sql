{{ stream('candidates', key=['candidate_id'], columns=candidate_columns()) }}
