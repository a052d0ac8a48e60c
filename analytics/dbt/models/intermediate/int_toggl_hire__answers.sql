-- One row per question shown to a candidate who is not erased. A question without an
-- answer, or with one that is not graded yet, has earned no points.
select
    answers.*,
    coalesce(points, 0) as points_earned,
    -- How good the candidate is, told from the other questions alone, as a share: not
    -- everybody is shown the same ones.
    {{ ratio(
        'sum(coalesce(points, 0)) over candidate - coalesce(points, 0)',
        'sum(coalesce(question_points, 0)) over candidate - coalesce(question_points, 0)'
    ) }} as rest_score
from {{ ref('stg_toggl_hire__candidate_answers') }} as answers
where not exists (
    select 1
    from {{ ref('toggl_hire__erasures') }} as erasures
    where erasures.workspace = answers.workspace and erasures.candidate_id = answers.candidate_id
)
window candidate as (partition by workspace, candidate_id)
