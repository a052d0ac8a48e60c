select
    answers.workspace,
    answers.question_id,
    answers.job_opening_id,
    answers.choice_id,
    {{ ratio('answers.points_earned', 'answers.question_points') }} as share,
    case
        when answers.is_graded
            then {{ ratio(
                'totals.earned - answers.points_earned',
                'totals.gradable - coalesce(answers.question_points, 0)'
            ) }}
    end as rest_share,
    answers.row_id
from {{ ref('int_toggl_hire__answers') }} as answers
inner join {{ ref('int_toggl_hire__totals') }} as totals
    on totals.workspace = answers.workspace and totals.candidate_id = answers.candidate_id
inner join {{ ref('int_toggl_hire__versions') }} as versions
    on versions.workspace = answers.workspace
    and versions.question_id = answers.question_id
    and versions.version_id = answers.version_id
