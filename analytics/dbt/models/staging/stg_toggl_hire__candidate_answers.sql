-- With the tombstones: they are evidence of erasures.
select
    workspace,
    candidate_id,
    position,
    job_opening_id,
    question_id,
    question_type,
    skill,
    question,
    question_points,
    options,
    answered,
    text_answer,
    points,
    chosen_option_ids,
    correct,
    _sdc_deleted_at as deleted_at
from (
    {{ stream('candidate_answers', {
        'candidate_id': 'text',
        'position': 'bigint',
        'job_opening_id': 'text',
        'question_id': 'text',
        'question_type': 'text',
        'skill': 'text',
        'question': 'text',
        'question_points': 'numeric',
        'options': 'json',
        'answered': 'boolean',
        'text_answer': 'verbatim',
        'points': 'numeric',
        'chosen_option_ids': 'json',
        'correct': 'boolean',
        '_sdc_deleted_at': 'timestamp',
    }) }}
) as candidate_answers
