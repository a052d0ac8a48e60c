{{ config(grants=grants('toggl_hire_personal_readers')) }}
with candidates as (
    select * from {{ ref('int_toggl_hire__candidates') }} where deleted_at is null
),

tags as (
    select
        candidates.workspace,
        candidates.candidate_id,
        {{ joined('tags.name', "', '", 'items.place') }} as tags
    from candidates
    {{ join_items('candidates.tag_ids', 'items') }}
    inner join {{ ref('stg_toggl_hire__tags') }} as tags
        on tags.workspace = candidates.workspace and tags.tag_id = {{ json_text('items.value') }}
    group by candidates.workspace, candidates.candidate_id
),

draws as (
    select
        answers.workspace,
        answers.candidate_id,
        100 * {{ ratio('sum(questions.facility * answers.question_points)', 'sum(answers.question_points)') }}
            as expected_score
    from {{ ref('toggl_hire__answers') }} as answers
    inner join {{ ref('toggl_hire__questions') }} as questions
        on questions.workspace = answers.workspace and questions.question_id = answers.question_id
    where questions.facility is not null
    group by answers.workspace, answers.candidate_id
),

joined as (
    select
        candidates.*,
        openings.name as job_opening,
        categories.name as category,
        tags.tags,
        totals.questions,
        totals.answered,
        totals.ungraded,
        totals.written,
        totals.shown_texts,
        totals.possible,
        totals.gradable,
        draws.expected_score,
        decisions.first_observed_at,
        decisions.last_changed_at,
        case
            when coalesce(decisions.is_decided_before, candidates.hire_state is not null) then 'decided before'
            when decisions.decided_at is not null then 'decided'
            else 'waiting'
        end as decision,
        decisions.decided_at,
        looks.last_looked_at
    from candidates
    left join {{ ref('stg_toggl_hire__job_openings') }} as openings
        on openings.workspace = candidates.workspace and openings.job_opening_id = candidates.job_opening_id
    left join {{ ref('stg_toggl_hire__categories') }} as categories
        on categories.workspace = candidates.workspace and categories.category_id = candidates.category_id
    left join tags
        on tags.workspace = candidates.workspace and tags.candidate_id = candidates.candidate_id
    left join {{ ref('int_toggl_hire__totals') }} as totals
        on totals.workspace = candidates.workspace and totals.candidate_id = candidates.candidate_id
    left join draws
        on draws.workspace = candidates.workspace and draws.candidate_id = candidates.candidate_id
    left join {{ ref('int_toggl_hire__decisions') }} as decisions
        on decisions.workspace = candidates.workspace and decisions.candidate_id = candidates.candidate_id
    left join {{ ref('int_toggl_hire__looks') }} as looks
        on looks.workspace = candidates.workspace
)

select
    workspace,
    candidate_id,
    name,
    email,
    profile_url,
    full_name,
    contact_email,
    linkedin,
    phone,
    city,
    country,
    job_opening_id,
    job_opening,
    category_id,
    category,
    hire_state,
    rating,
    points,
    score,
    cast(score + 100 * {{ ratio('possible - gradable', 'possible') }} as numeric(28, 6)) as score_possible,
    cast(expected_score as numeric(28, 6)) as expected_score,
    cast(cast(score as {{ double() }}) - expected_score as numeric(28, 6)) as score_above_expected,
    tags,
    started_at,
    finished_at,
    cast({{ days_between('started_at', 'finished_at') }} * 1440 as numeric(28, 6)) as minutes_taken,
    cast(questions as bigint) as questions,
    cast(answered as bigint) as answered,
    cast(ungraded as bigint) as ungraded_answers,
    ungraded = 0 as is_fully_graded,
    case when written > 0 then shown_texts = 0 and not has_contact_info end as seems_locked,
    first_observed_at,
    last_changed_at,
    case
        when first_observed_at <= finished_at then 0
        else {{ days_between('finished_at', 'first_observed_at') }}
    end as entered_after_days,
    decision,
    case when decision = 'decided' then decided_at end as decided_at,
    case when decision = 'decided' then {{ days_between('finished_at', 'decided_at') }} end as days_to_decision,
    case when decision = 'waiting' then {{ days_between('finished_at', 'last_looked_at') }} end as days_waiting
from joined
