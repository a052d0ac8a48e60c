with ranked as (
    select
        workspace,
        candidate_id,
        position,
        rank() over (partition by workspace, question_id order by rest_score) as place_from_below,
        rank() over (partition by workspace, question_id order by rest_score desc) as place_from_above,
        count(*) over (partition by workspace, question_id) as ranked
    from {{ ref('int_toggl_hire__answers') }}
    where rest_score is not null
),

choices as (
    select
        options.*,
        -- Whoever ties with the last of a third belongs to it.
        coalesce(3 * ranked.place_from_above <= ranked.ranked, false) as is_upper,
        coalesce(3 * ranked.place_from_below <= ranked.ranked, false) as is_lower
    from {{ ref('int_toggl_hire__options') }} as options
    left join ranked
        on ranked.workspace = options.workspace
        and ranked.candidate_id = options.candidate_id
        and ranked.position = options.position
    where options.question_id is not null and options.option_id is not null
),

counted as (
    select
        workspace,
        question_id,
        option_id,
        min(content) as content,
        bool_or(is_correct) as is_correct,
        count(*) as shown,
        sum(case when is_chosen then 1 else 0 end) as chosen,
        sum(case when is_upper then 1 else 0 end) as upper_shown,
        sum(case when is_upper and is_chosen then 1 else 0 end) as upper_chosen,
        sum(case when is_lower then 1 else 0 end) as lower_shown,
        sum(case when is_lower and is_chosen then 1 else 0 end) as lower_chosen
    from choices
    group by workspace, question_id, option_id
)

select
    workspace,
    question_id,
    option_id,
    content,
    is_correct,
    shown,
    cast(chosen as bigint) as chosen,
    {{ ratio('chosen', 'shown') }} as chosen_share,
    cast(upper_shown as bigint) as upper_shown,
    {{ ratio('upper_chosen', 'upper_shown') }} as upper_chosen_share,
    cast(lower_shown as bigint) as lower_shown,
    {{ ratio('lower_chosen', 'lower_shown') }} as lower_chosen_share
from counted
