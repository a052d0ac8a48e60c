{{ config(grants=grants('toggl_hire_personal_readers')) }}
with candidates as (
    select * from {{ ref('int_toggl_hire__candidates') }} where deleted_at is null and not is_excluded
),

tags as (
    select workspace, candidate_id, {{ joined('tag', ", ", 'place') }} as tags
    from {{ ref('int_toggl_hire__candidate_tags') }}
    group by workspace, candidate_id
),

draws as (
    select
        answers.workspace,
        answers.candidate_id,
        100 * {{ ratio('sum(items.facility * answers.question_points)', 'sum(answers.question_points)') }}
            as expected_score
    from {{ ref('int_toggl_hire__answers') }} as answers
    inner join {{ ref('int_toggl_hire__items') }} as items
        on items.workspace = answers.workspace and items.question_id = answers.question_id
    where items.facility is not null
    group by answers.workspace, answers.candidate_id
)

select
    candidates.workspace,
    candidates.candidate_id,
    candidates.name,
    candidates.email,
    candidates.profile_url,
    candidates.full_name,
    candidates.contact_email,
    candidates.linkedin,
    candidates.phone,
    candidates.city,
    candidates.country,
    candidates.job_opening_id,
    candidates.job_opening,
    candidates.category_id,
    candidates.category,
    candidates.hire_state,
    candidates.rating,
    candidates.points,
    candidates.score,
    cast(draws.expected_score as numeric(28, 6)) as expected_score,
    cast(cast(candidates.score as {{ double() }}) - draws.expected_score as numeric(28, 6)) as score_above_expected,
    tags.tags,
    candidates.started_at,
    candidates.finished_at,
    cast({{ days_between('candidates.started_at', 'candidates.finished_at') }} * 1440 as numeric(28, 6))
        as minutes_taken,
    cast(totals.questions as bigint) as questions,
    cast(totals.answered as bigint) as answered,
    cast(totals.ungraded as bigint) as ungraded_answers,
    totals.ungraded = 0 as is_fully_graded,
    case when totals.written > 0 then totals.shown_texts = 0 and not candidates.has_contact_info end as seems_locked,
    candidates.first_observed_at,
    candidates.last_changed_at,
    decisions.entered_after_days,
    decisions.decision,
    decisions.decided_at,
    decisions.days_to_decision,
    decisions.is_waiting,
    decisions.waiting_since,
    decisions.days_waiting,
    candidates.row_id
from candidates
inner join {{ ref('int_toggl_hire__decisions') }} as decisions
    on decisions.workspace = candidates.workspace and decisions.candidate_id = candidates.candidate_id
left join tags
    on tags.workspace = candidates.workspace and tags.candidate_id = candidates.candidate_id
left join {{ ref('int_toggl_hire__totals') }} as totals
    on totals.workspace = candidates.workspace and totals.candidate_id = candidates.candidate_id
left join draws
    on draws.workspace = candidates.workspace and draws.candidate_id = candidates.candidate_id
