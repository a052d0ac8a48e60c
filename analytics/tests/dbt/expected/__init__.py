"""What the models should hold, calculated from what each run could see."""

from analytics.tests.dbt.expected import candidates, questions
from analytics.tests.dbt.expected.looks import Look, Looks, Row

__all__ = ["Look", "Looks", "Row", "model"]

_MODELS = {
    function.__name__: function
    for function in (
        candidates.workspaces,
        candidates.erasures,
        candidates.candidate_stages,
        candidates.candidates_enhanced,
        candidates.openings_enhanced,
        candidates.funnel,
        candidates.pipeline_daily,
        questions.answers_enhanced,
        questions.question_analysis,
        questions.option_analysis,
        questions.skill_scores,
    )
}


def model(name: str, looks: Looks) -> list[Row]:
    """The rows of a model after some looks, without `workspace`."""
    return _MODELS[name](looks)
