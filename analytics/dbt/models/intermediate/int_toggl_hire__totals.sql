select
    workspace,
    candidate_id,
    min(job_opening_id) as job_opening_id,
    count(*) as questions,
    sum(case when answered then 1 else 0 end) as answered,
    sum(case when answered and choice_id is null and correct is null then 1 else 0 end) as written,
    sum(case when answered and choice_id is null and text_answer <> '' then 1 else 0 end) as shown_texts,
    sum(case when is_graded then 0 else 1 end) as ungraded,
    sum(coalesce(points_earned, 0)) as earned,
    sum(case when mod(position, 2) = 0 then coalesce(points_earned, 0) else 0 end) as earned_even,
    sum(coalesce(question_points, 0)) as possible,
    sum(case when mod(position, 2) = 0 then coalesce(question_points, 0) else 0 end) as possible_even,
    sum(case when is_graded then coalesce(question_points, 0) else 0 end) as gradable,
    {{ row_id(['workspace', 'candidate_id']) }} as row_id
from {{ ref('int_toggl_hire__answers') }}
group by workspace, candidate_id
