{{ config(grants=grants('toggl_hire_readers')) }}
-- Answers with the same share are ranked together: there are few different ones.
with tied as (
    select
        workspace,
        question_id,
        job_opening_id,
        rest_share,
        choice_id,
        count(*) as answers,
        count(rest_share) as rankable
    from {{ ref('int_toggl_hire__shares') }}
    where choice_id is not null
    group by workspace, question_id, job_opening_id, rest_share, choice_id
),

ranked as (
    select
        *,
        sum(rankable) over (partition by workspace, question_id, job_opening_id) as ranked,
        sum(rankable) over (partition by workspace, question_id, job_opening_id, rest_share) as ties,
        sum(rankable) over (partition by workspace, question_id, job_opening_id order by rest_share) as so_far
    from tied
),

-- Candidates who tie with the last of a third belong to it.
choices as (
    select
        workspace,
        question_id,
        choice_id,
        sum(answers) as shown,
        sum(case when 3 * (ranked - so_far + 1) <= ranked then rankable else 0 end) as upper_shown,
        sum(case when 3 * (so_far - ties + 1) <= ranked then rankable else 0 end) as lower_shown
    from ranked
    group by workspace, question_id, choice_id
),

counted as (
    select
        choices.workspace,
        choices.question_id,
        options.option_id,
        min(options.content) as content,
        max(case when options.is_correct then 1 else 0 end) = 1 as is_correct,
        sum(choices.shown) as shown,
        sum(case when options.is_chosen then choices.shown else 0 end) as chosen,
        sum(choices.upper_shown) as upper_shown,
        sum(case when options.is_chosen then choices.upper_shown else 0 end) as upper_chosen,
        sum(choices.lower_shown) as lower_shown,
        sum(case when options.is_chosen then choices.lower_shown else 0 end) as lower_chosen
    from choices
    inner join {{ ref('int_toggl_hire__options') }} as options
        on options.choice_id = choices.choice_id
    where options.option_id is not null
    group by choices.workspace, choices.question_id, options.option_id
)

select
    workspace,
    question_id,
    option_id,
    content,
    is_correct,
    cast(shown as bigint) as shown,
    cast(chosen as bigint) as chosen,
    {{ ratio('chosen', 'shown') }} as chosen_share,
    cast(upper_shown as bigint) as upper_shown,
    {{ ratio('upper_chosen', 'upper_shown') }} as upper_chosen_share,
    cast(lower_shown as bigint) as lower_shown,
    {{ ratio('lower_chosen', 'lower_shown') }} as lower_chosen_share,
    {{ row_id(['workspace', 'question_id', 'option_id']) }} as row_id
from counted
