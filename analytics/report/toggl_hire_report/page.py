"""The page: figures as sections of text, charts and tables, in a template."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from toggl_hire_report import charts
from toggl_hire_report.audience import LEAST
from toggl_hire_report.candidates import QUARTER
from toggl_hire_report.charts import Bar, Points, Range
from toggl_hire_report.context import ALL
from toggl_hire_report.questions import margin
from toggl_hire_report.week import COUNTED, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toggl_hire_report.figures import Figures

UNKNOWN = "-"
WEEKS_LISTED, MONTHS_LISTED, QUESTIONS_LISTED = 13, 9, 12


class Cell(NamedTuple):
    """A cell of a table; numbers in it carry their key in `--json`."""

    text: Markup
    is_number: bool = True


@dataclass
class Table:
    """Rows under a head; not open: a reader opens it."""

    head: Sequence[str]
    rows: list[list[Cell]]
    is_open: bool = True
    caption: str = "In numbers"


@dataclass
class Section:
    """A part of the page."""

    title: str
    lead: str = ""
    charts: list[str] = field(default_factory=list)
    label: str = ""
    """What the charts show, for those who do not see them."""
    tables: list[Table] = field(default_factory=list)
    items: list[tuple[str, list[str]]] = field(default_factory=list)
    foot: str = ""
    is_wide: bool = False


def render(figures: Figures) -> str:
    """Make the page; the same figures make the same bytes."""
    environment = Environment(
        loader=PackageLoader("toggl_hire_report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    writer = Writer(figures)
    return environment.get_template("page.html.j2").render(
        title=writer.title(),
        period=writer.period(),
        sections=writer.sections(),
        is_team=writer.is_team,
        least=LEAST,
    )


class Writer:
    """Turns figures into words, charts and tables."""

    def __init__(self, figures: Figures) -> None:
        """Write about these figures."""
        self._figures = figures
        self.is_team = figures["for"] == "team"
        names = figures["openings"]
        self._all = ALL if len(names) != 1 else next(iter(names))
        self._shown = [name for name, one in names.items() if one["is_shown"]]

    def title(self) -> str:
        """The page's name."""
        about = ", ".join(self._figures["workspaces"]) or "no data yet"
        return f"Hiring report: {about if self._all == ALL else self._all}"

    def period(self) -> str:
        """As of when, and since when."""
        figures = self._figures
        if figures["as_of"] is None:
            return "No run of the tap has been loaded yet."
        since = [
            one["history_since"] for one in figures["health"]["workspaces"].values()
        ]
        known = min((one for one in since if one), default=None)
        start = figures["since"] or (known[:10] if known else UNKNOWN)
        return (
            f"As of {figures['as_of'][:16].replace('T', ' ')} UTC. "
            f"{'Period' if figures['since'] else 'History is known'} since {start}."
        )

    def sections(self) -> list[Section]:
        """All parts, in order."""
        return [
            self._week(),
            self._asks(),
            self._funnel(),
            self._cohorts(),
            self._waits(),
            self._stages(),
            self._pipeline(),
            self._scores(),
            *self._questions(),
            self._health(),
        ]

    def _cell(
        self, *path: str | int, form: Callable[[Any], str] = str, unknown: str = UNKNOWN
    ) -> Cell:
        value: Any = self._figures
        for name in path:
            value = value[name]
        text = unknown if value is None else form(value)
        key = ".".join(map(str, path))
        return Cell(Markup('<span data-key="{}">{}</span>').format(key, text))

    def _estimate(
        self, name: str, *path: str | int, form: Callable[[Any], str]
    ) -> Cell:
        """A value with its interval, where there is one."""
        value, low, high = (
            self._cell(*path, one, form=form).text for one in (name, "low", "high")
        )
        if low.striptags() == high.striptags() == UNKNOWN:
            return Cell(value)
        return Cell(Markup("{} ({} to {})").format(value, low, high))

    def _count(self, *path: str | int) -> Cell:
        few = UNKNOWN if self.is_team else f"< {LEAST}"
        return self._cell(*path, form=lambda n: f"{n:,}", unknown=few)

    def _week(self) -> Section:
        words = ("Finished the test", "Moved on", "Rejected", "Possible hires")
        rows = []
        if self._figures["this_week"]:
            for column, name in zip(COUNTED, words, strict=True):
                place = "this_week", self._all
                rows.append(
                    [
                        label(name),
                        self._count(*place, column),
                        self._count(*place, f"{column}_last_week"),
                        self._cell(*place, f"{column}_usual", form=number),
                    ]
                )
        head = ("", "This week", "Week before", "Usual")
        return Section(
            "This week",
            f"Since Monday, {self._figures['week']}."
            if rows
            else "There are no candidates yet.",
            tables=[Table(head, rows)] if rows else [],
            foot="Usual: the mean of the four weeks before. Moves and decisions count "
            "in the week of the run that saw them.",
        )

    def _asks(self) -> Section:
        items = [(ask["opening"], sentences(ask)) for ask in self._figures["asks"]]
        due = self._figures["health"]["retention_due"]
        if due:
            text = "; ".join(
                f"{name}: {number or f'fewer than {LEAST}'}"
                for name, number in due.items()
            )
            items.append(
                ("Retention has ended", [f"{text}. Delete them in Toggl Hire."])
            )
        return Section(
            "What waits for you",
            "" if items else "Nothing: no candidate waits for a decision or a grader.",
            items=items,
            foot="All who wait: select candidate_id, days_waiting from "
            "toggl_hire__candidates where decision = 'waiting' order by 2 desc"
            if self.is_team
            else "",
        )

    def _funnel(self) -> Section:
        drawn, rows = [], []
        for name in self._shown:
            steps = self._figures["funnel"][name]["steps"]
            while steps and not steps[-1]["reached"]:
                steps = steps[:-1]
            if not steps:
                continue
            closed = "" if self._figures["openings"][name]["is_open"] else " (closed)"
            parts = [
                Bar(
                    f"{step['category']}: {step['reached'] or UNKNOWN}",
                    _parts(step),
                    _goes_on(step) if step["advanced"] else "",
                )
                for step in steps
            ]
            legend = ("go on", "wait or hire", "rejected", "erased")
            trend = "" if closed else _trend(steps)
            above = f"<h3>{escape(name + closed)}</h3><p>{trend}</p>"
            drawn.append(above + charts.bars(parts, legend, (0, 1, 4, 3)))
            for place, _ in enumerate(steps):
                path = "funnel", name, "steps", place
                rows.append(
                    [
                        label(name),
                        self._cell(*path, "category")._replace(is_number=False),
                        *(
                            self._count(*path, column)
                            for column in (
                                *("reached", "advanced", "waiting"),
                                *("rejected", "erased"),
                            )
                        ),
                        self._cell(*path, "conversion", form=percent),
                        self._cell(*path, "recent", form=percent),
                        self._cell(*path, "before", form=percent),
                    ]
                )
        head = (
            *("Opening", "Step", "Reached", "Go on", "Wait", "Rejected", "Erased"),
            *("Go on, %", "Last quarter, %", "Quarter before, %"),
        )
        return Section(
            "Where candidates drop out",
            "How many reached each step, and how many of them went on to a later one."
            if rows
            else "No candidate was seen in a step yet.",
            charts=drawn,
            label="Bars for each step of each opening",
            tables=[Table(head, rows, is_open=False)] if rows else [],
            foot="In brackets: the interval that holds the true share with 95 % "
            "(Wilson). Possible hires count as waiting. Last quarter: candidates of "
            f"the last {QUARTER} complete months.",
            is_wide=True,
        )

    def _cohorts(self) -> Section:
        path = "funnel", self._all, "months"
        months = self._figures["funnel"][self._all]["months"]
        rows = []
        for place in list(range(len(months)))[-MONTHS_LISTED:]:
            is_complete = months[place]["is_complete"]
            rows.append(
                [
                    label(months[place]["month"] + ("" if is_complete else " *")),
                    self._count(*path, place, "reached"),
                    self._count(*path, place, "advanced"),
                    self._count(*path, place, "waiting"),
                    self._estimate("conversion", *path, place, form=percent),
                ]
            )
        head = ("Month", "Finished", "Go on", "Wait", "Go on, %")
        return Section(
            "Month by month",
            "Candidates by the month in which they finished the test, and how many "
            "went beyond the first step."
            if rows
            else "No month has candidates yet.",
            tables=[Table(head, rows)] if rows else [],
            foot="* Not complete: more than 5 % still wait, or the month is not over, "
            "so the share will rise. In brackets: the interval of 95 %.",
        )

    def _waits(self) -> Section:
        figures = self._figures["waits"]
        names = list(dict.fromkeys((self._all, *self._shown)))
        names = [name for name in names if figures[name]["curve"]]
        series: dict[str, Points] = {
            name: [(days, 100 * share) for days, share in figures[name]["curve"]]
            for name in names[: charts.MOST]
        }
        rows = [
            [
                label(name),
                self._estimate("median", "waits", name, form=number),
                self._cell("waits", name, "within_7", form=percent),
                self._cell("waits", name, "within_14", form=percent),
                self._count("waits", name, "decided"),
                self._count("waits", name, "waiting"),
            ]
            for name in names
        ]
        head = (
            *("Opening", "Half within, days"),
            *("In 7 days, %", "In 14 days, %", "Decided", "Wait"),
        )
        found = figures[self._all]["median"]
        lead = "Too few decisions were observed yet."
        if rows:
            lead = (
                "Fewer than half have a decision yet."
                if found is None
                else f"Half of the candidates have a decision within {found:g} days."
            )
        return Section(
            "How long they wait for a decision",
            lead,
            charts=[
                charts.lines(
                    series,
                    ("days since the test", "still wait, %"),
                    steps=True,
                    top=100,
                )
            ]
            if rows
            else [],
            label="Lines of the share that still waits, by days since the test",
            tables=[Table(head, rows)] if rows else [],
            foot="Kaplan-Meier estimate with delayed entry: those who still wait count "
            "as long as known, and those who finished before the first run count from "
            "it on. A decision counts in the middle between the run that saw it and "
            "the one before. In brackets: the interval of 95 %.",
            is_wide=True,
        )

    def _stages(self) -> Section:
        steps = self._figures["stages"]
        places = [
            n for n, step in enumerate(steps) if step["ended"] or step["still_there"]
        ]
        rows = [
            [
                self._cell("stages", place, "category")._replace(is_number=False),
                self._estimate("median", "stages", place, form=number),
                self._count("stages", place, "moved_on"),
                self._count("stages", place, "rejected"),
                self._count("stages", place, "still_there"),
            ]
            for place in places
        ]
        drawn = [
            Range(
                steps[place]["category"],
                steps[place]["median"],
                steps[place]["low"],
                steps[place]["high"],
                UNKNOWN
                if steps[place]["median"] is None
                else f"{steps[place]['median']:g} days",
            )
            for place in places
        ]
        head = (
            "Step",
            "Half within, days",
            "Moved on",
            "Rejected",
            "There",
        )
        return Section(
            "Days in each step",
            "How long candidates stay until they are moved or rejected."
            if rows
            else "No stay in a step was observed yet.",
            charts=[charts.ranges(drawn, "days")] if rows else [],
            label="The median and its interval for each step",
            tables=[Table(head, rows)] if rows else [],
            foot="Median of the Kaplan-Meier estimate and its interval of 95 %. Stays "
            "that had begun before the first run are left out.",
        )

    def _pipeline(self) -> Section:
        figures = self._figures["pipeline"]
        weeks, steps = figures["weeks"], figures["undecided"]
        back = range(len(weeks) - 1, -1, -1)
        series: dict[str, Points] = {
            name: list(zip((float(-n) for n in back), values, strict=True))
            for name, values in list(steps.items())[: charts.MOST]
        }
        places = list(range(len(weeks)))[-WEEKS_LISTED:]
        rows = [
            [
                label(weeks[place]),
                *(self._cell("pipeline", "undecided", name, place) for name in series),
            ]
            for place in places
        ]
        return Section(
            "Candidates in play",
            "Those in each step at the end of each week, without the rejected and "
            "without possible hires."
            if len(weeks) > 1
            else "History has less than a week so far.",
            charts=[charts.lines(series, ("weeks before the last look", "candidates"))]
            if len(weeks) > 1
            else [],
            label="Lines of the candidates in each step, by week",
            tables=[Table(("Week until", *series), rows)] if rows else [],
            foot="A gap: no run was complete in that week.",
            is_wide=True,
        )

    def _scores(self) -> Section:
        drawn, rows = [], []
        for name in self._shown:
            one = self._figures["scores"].get(name)
            if one is None:
                continue
            error = one["standard_error"]
            exact = f"{one['median']:.0f}" + (
                f" ± {error:.0f}" if error is not None else ""
            )
            drawn.append(charts.histogram(name, f"median {exact}", one["bands"]))
            path = "scores", name
            expected = "expected_low", "expected_high"
            rows.append(
                [
                    label(name),
                    self._count(*path, "scored"),
                    self._cell(*path, "median", form=number),
                    self._cell(*path, "standard_error", form=lambda n: f"± {n:g}"),
                    self._reliability(name),
                    label(
                        " to ".join(f"{one[end]:g}" for end in expected)
                        if one["is_smart_test"] and None not in map(one.get, expected)
                        else UNKNOWN
                    ),
                    self._count(*path, "not_fully_graded"),
                ]
            )
        head = (
            *("Opening", "Scored", "Median", "One score is", "The test is"),
            *("Luck of the draw", "Not fully graded"),
        )
        return Section(
            "How they score",
            "Candidates by score, from 0 to 100. 61 ± 9 means: the same candidate "
            "would score between 52 and 70 in two of three repetitions."
            if rows
            else "No candidate has a score yet.",
            charts=drawn,
            label="A histogram of scores for each opening",
            tables=[Table(head, rows)] if rows else [],
            foot="±: the standard error of measurement. The test is: by its "
            "reliability (Cronbach's alpha or, for Smart Tests, split halves after "
            "Spearman and Brown). Luck of the draw: the score of an average candidate "
            "with a hard draw (9 of 10 are easier) and with an easy one (1 of 10 is "
            "easier).",
            is_wide=True,
        )

    def _reliability(self, name: str) -> Cell:
        one = self._figures["scores"][name]
        kind = "alpha" if one["alpha"] is not None else "split_half"
        value = one[kind]
        if value is None:
            return label("not known yet")
        return label(f"{margin(value)} ({value:g})")

    def _questions(self) -> list[Section]:
        figures = self._figures
        found = figures["questions"]
        kinds = {"bad": "bad", "too early": "too early to say", "good": "good"}
        points = [
            (one["facility"], one["discrimination"], kinds[one["verdict"]])
            for one in found
            if one["facility"] is not None
        ]
        counts = figures["counts"]
        axes = "share of points earned, % (hard on the left)", "separates"
        judged = Section(
            "Questions",
            f"Do not separate strong from weak candidates: {counts['bad']}. "
            f"Do: {counts['good']}. Not enough answers to say: {counts['too early']}."
            if found
            else "No question has enough answers yet.",
            charts=[charts.scatter(points, list(kinds.values()), axes)]
            if points
            else [],
            label="Each question by the share of points earned and by how it separates",
            tables=[
                self._list_of("bad", "Look at these first"),
                self._list_of("too early", "Not enough answers yet", is_open=False),
            ],
            foot="Separates: discrimination, the correlation of the points in a "
            "question with those in the candidate's other questions, within openings. "
            "Bad: below 0.2 with a probability of 95 %; good: above.",
            is_wide=True,
        )
        judged.tables = [table for table in judged.tables if table.rows]
        options = figures["distractors"]
        if not options:
            return [judged]
        rows: list[list[Cell]] = []
        drawn: list[Bar] = []
        for place, option in enumerate(options["options"]):
            path = "distractors", "options", place
            key = "✓ " if option["is_correct"] else ""
            rows.append(
                [
                    label(f"{key}{option['option']}"),
                    self._cell(*path, "strong", form=percent),
                    self._cell(*path, "weak", form=percent),
                ]
            )
            for third in ("strong", "weak"):
                share = option[third]
                name = f"{key}{option['option']}" if third == "strong" else ""
                parts = [share or 0, 0] if third == "strong" else [0, share or 0]
                said = UNKNOWN if share is None else f"{third} {percent(share)} %"
                drawn.append(Bar(name, parts, said))
        return [
            judged,
            Section(
                "Who chose what",
                f"The first bad question, {options['question_id']}: "
                f"“{options['text']}”. A wrong option that strong candidates prefer "
                "may be the right one.",
                charts=[charts.bars(drawn, ("strong third", "weak third"), top=1)],
                label="How many of the strong and the weak third chose each option",
                tables=[
                    Table(("Option (✓ marked as right)", "Strong, %", "Weak, %"), rows)
                ],
            ),
        ]

    def _list_of(self, verdict: str, caption: str, *, is_open: bool = True) -> Table:
        rows: list[list[Cell]] = []
        for place, one in enumerate(self._figures["questions"]):
            if one["verdict"] != verdict or len(rows) == QUESTIONS_LISTED:
                continue
            path = "questions", place
            text = f": {one['text']}" if self.is_team else ""
            rows.append(
                [
                    label(f"{one['question_id']}, {one['skill']}{text}"),
                    label(", ".join(one["openings"])),
                    self._count(*path, "graded"),
                    self._cell(*path, "facility", form=percent),
                    self._estimate("discrimination", *path, form=signed),
                ]
            )
            if verdict == "too early":
                rows[-1].append(self._cell(*path, "needed", unknown="many"))
        head = ["Question", "Openings", "Answers", "Points earned, %", "Separates"]
        if verdict == "too early":
            head.append("More answers needed")
        return Table(head, rows, is_open, caption)

    def _health(self) -> Section:
        figures = self._figures["health"]
        names = {
            "history_since": "History is known since",
            "last_complete_run": "Last complete run",
            "failed_runs": "Failed runs",
            "longest_gap_days": "Longest gap between runs, days",
            "candidates_held": "Candidates, by the tap's account",
            "candidates_rows": "Candidates in the warehouse",
            "candidates_missing": "Missing in the warehouse",
        }
        rows = [
            [
                label(title),
                *(
                    self._cell("health", "workspaces", workspace, column, form=whole)
                    for workspace in figures["workspaces"]
                ),
            ]
            for column, title in names.items()
        ]
        rest = [
            [label(title), self._count("health", column)]
            for column, title in (
                ("locked", "Seem to be locked on the workspace's plan"),
                ("erased", "Deleted in Toggl Hire, and erased here"),
            )
        ]
        head = ["", *figures["workspaces"]]
        return Section(
            "Can these data be trusted?",
            tables=[Table(head, rows), Table(("", "Candidates"), rest)],
        )


def label(text: str) -> Cell:
    """A cell of words; a very long one may be broken."""
    parts = re.findall(r"\S{1,14}|\s+", text)
    return Cell(Markup("<wbr>").join(parts), is_number=False)


def number(value: float) -> str:
    """A number with a decimal where it has one."""
    return f"{value:,.1f}".removesuffix(".0")


def whole(value: float | str) -> str:
    """A count, or a time as it is."""
    return value if isinstance(value, str) else f"{value:,}"


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f}"


def signed(value: float) -> str:
    """A coefficient."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def _parts(step: dict[str, Any]) -> list[float]:
    names = "advanced", "waiting", "rejected", "erased"
    return [step[name] or 0 for name in names]


def _trend(steps: Sequence[dict[str, Any]]) -> str:
    recent, before = steps[0].get("recent"), steps[0].get("before")
    if recent is None or before is None:
        return ""
    return (
        f"Beyond the first step: {percent(recent)} % last quarter, "
        f"{percent(before)} % the quarter before."
    )


def _goes_on(step: dict[str, Any]) -> str:
    if step["conversion"] is None:
        return ""
    low, high = percent(step["low"]), percent(step["high"])
    return f"{percent(step['conversion'])} % go on ({low} to {high})"
