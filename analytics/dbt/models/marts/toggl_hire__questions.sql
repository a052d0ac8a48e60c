with questions as (
    select
        workspace,
        question_id,
        min(question_type) as question_type,
        min(skill) as skill,
        min(question) as question,
        count(*) as shown,
        sum(case when answered then 1 else 0 end) as answered,
        count(correct) as checked,
        sum(case when correct then 1 else 0 end) as correct,
        sum(points_earned) as points_earned,
        sum(coalesce(question_points, 0)) as points_possible
    from {{ ref('int_toggl_hire__answers') }}
    where question_id is not null
    group by workspace, question_id
),

pairs as (
    select workspace, question_id, {{ ratio('points_earned', 'question_points') }} as item_score, rest_score
    from {{ ref('int_toggl_hire__answers') }}
),

discriminations as (
    select
        workspace,
        question_id,
        -- Where all are the same, nothing goes with anything.
        case
            when min(item_score) < max(item_score) and min(rest_score) < max(rest_score)
                then cast(corr(item_score, rest_score) as numeric(28, 6))
        end as discrimination
    from pairs
    where item_score is not null and rest_score is not null
    group by workspace, question_id
)

select
    questions.workspace,
    questions.question_id,
    questions.question_type,
    questions.skill,
    questions.question,
    questions.shown,
    cast(questions.answered as bigint) as answered,
    {{ ratio('questions.shown - questions.answered', 'questions.shown') }} as unanswered_share,
    cast(questions.points_earned as numeric(28, 6)) as points_earned,
    cast(questions.points_possible as numeric(28, 6)) as points_possible,
    {{ ratio('questions.points_earned', 'questions.points_possible') }} as difficulty,
    questions.checked,
    cast(questions.correct as bigint) as correct,
    discriminations.discrimination,
    questions.shown < 20 as is_shown_to_few
from questions
left join discriminations
    on discriminations.workspace = questions.workspace and discriminations.question_id = questions.question_id
