{{ config(grants=grants('toggl_hire_readers')) }}
with items as (
    select
        workspace,
        job_opening_id,
        question_id,
        count(*) as shown,
        min(candidate_id) as first_id,
        max(candidate_id) as last_id,
        var_samp(cast(coalesce(points_earned, 0) as {{ double() }})) as variance
    from {{ ref('int_toggl_hire__answers') }}
    group by workspace, job_opening_id, question_id
),

-- A fixed test is shown to candidates as a whole: all of its questions to the same ones.
shapes as (
    select workspace, job_opening_id, count(*) as shapes
    from (select distinct workspace, job_opening_id, shown, first_id, last_id from items) as shapes
    group by workspace, job_opening_id
),

questions as (
    select
        workspace,
        job_opening_id,
        count(*) as questions,
        min(shown) as least_shown,
        avg(shown) as average_shown,
        sum(variance) as variance
    from items
    group by workspace, job_opening_id
),

halves as (
    select
        *,
        {{ ratio('earned', 'possible') }} as share,
        {{ ratio('earned_even', 'possible_even') }} as even_share,
        {{ ratio('earned - earned_even', 'possible - possible_even') }} as odd_share
    from {{ ref('int_toggl_hire__totals') }}
),

totals as (
    select
        workspace,
        job_opening_id,
        count(*) as candidates,
        var_samp(cast(earned as {{ double() }})) as variance,
        stddev_samp(share) as deviation,
        var_pop(even_share) as even_variance,
        var_pop(odd_share) as odd_variance,
        covar_pop(even_share, odd_share) as covariance
    from halves
    group by workspace, job_opening_id
),

correlated as (
    select
        totals.*,
        questions.questions,
        questions.average_shown < 0.8 * totals.candidates
            and 2 * shapes.shapes > questions.questions as is_smart_test,
        case
            when questions.least_shown = totals.candidates and questions.questions > 1 and totals.variance > 0
                then questions.questions / (questions.questions - 1.0) * (1 - questions.variance / totals.variance)
        end as alpha,
        case
            when even_variance > 0 and odd_variance > 0 then covariance / sqrt(even_variance * odd_variance)
        end as correlation
    from totals
    inner join questions
        on questions.workspace = totals.workspace
        and questions.job_opening_id is not distinct from totals.job_opening_id
    inner join shapes
        on shapes.workspace = totals.workspace
        and shapes.job_opening_id is not distinct from totals.job_opening_id
),

reliable as (
    select
        *,
        case when correlation > -0.999999 then 2 * correlation / (1 + correlation) end as split_half
    from correlated
)

select
    reliable.workspace,
    reliable.job_opening_id,
    openings.name as job_opening,
    reliable.candidates,
    reliable.questions,
    reliable.is_smart_test,
    cast(reliable.alpha as {{ double() }}) as alpha,
    cast(reliable.split_half as {{ double() }}) as split_half,
    cast(
        100 * reliable.deviation * sqrt(
            case
                when coalesce(reliable.alpha, reliable.split_half) < 0 then 1
                else 1 - coalesce(reliable.alpha, reliable.split_half)
            end
        ) as {{ double() }}
    ) as standard_error,
    {{ row_id(['reliable.workspace', 'reliable.job_opening_id']) }} as row_id
from reliable
left join {{ ref('stg_toggl_hire__job_openings') }} as openings
    on openings.workspace = reliable.workspace and openings.job_opening_id = reliable.job_opening_id
