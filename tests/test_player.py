"""The player, read without a browser: its positions, its tables, its drawing and its weight."""

from __future__ import annotations

import doctest
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup

import nnbook
from nnbook import optimizers
from nnbook.checks import Array
from nnbook.interactive import Figure
from nnbook.interactive import player as module
from nnbook.interactive.player import follow, player, show
from nnbook.optimizers import SGD, Adagrad, Adam, Optimizer, RMSprop
from tests.verify.outputs import compare_text
from tests.verify.structure import _VOLATILE

LIMIT = 60_000  # bytes of a whole figure
RATES = {"0.02": 0.02, "0.2": 0.2, "0.5": 0.5, "1.05": 1.05}
RULES: dict[str, Optimizer] = {
    "SGD": SGD(0.08),
    "momentum": SGD(0.02, momentum=0.8),
    "Nesterov": SGD(0.02, momentum=0.8, nesterov=True),
    "RMSprop": RMSprop(0.1),
    "Adagrad": Adagrad(0.5),
    "Adam": Adam(0.2),
}


def bowl(theta: Array) -> float:
    return float(theta[0] ** 2)


def ravine(theta: Array) -> float:
    return float(theta[0] ** 2 + 10 * theta[1] ** 2) / 2


def ravine_gradient(theta: Array) -> Array:
    return np.array([theta[0], 10 * theta[1]])


def curve_figure(name: str = "rates", steps: int = 12) -> Figure:
    """Return the figure of one parameter: four learning rates in a bowl."""
    runs = {label: SGD(rate) for label, rate in RATES.items()}
    return player(
        runs,
        bowl,
        lambda theta: 2 * theta,
        [2.0],
        x=(-3, 3),
        steps=steps,
        choose="Learning rate",
        name=name,
    )


def plane_figure(name: str = "rules", steps: int = 30) -> Figure:
    """Return the figure of two parameters: six optimizers in a ravine."""
    return player(
        RULES,
        ravine,
        ravine_gradient,
        [-2.5, 0.9],
        x=(-3, 3),
        y=(-1.5, 1.5),
        steps=steps,
        choose="Optimizer",
        name=name,
    )


def rows(figure: Figure, slug: str) -> list[list[str]]:
    """Return the cells of the table of a run."""
    soup = BeautifulSoup(figure.html(), "html.parser")
    return [
        [cell.get_text() for cell in row.select("th, td")]
        for row in soup.select(f'[data-run="{slug}"] tbody tr')
    ]


# ---- the numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("label", RULES)
def test_positions_are_those_of_the_optimizer(label: str) -> None:
    """Step by step by hand: the optimizer alone, on a vector of its own."""
    rule = RULES[label]
    way = follow(rule, ravine, ravine_gradient, [-2.5, 0.9], 30)
    mover = type(rule)(**rule.get_config())
    theta = np.array([-2.5, 0.9])
    for i in range(31):
        assert np.array_equal(way.theta[i], theta)
        assert way.loss[i] == ravine(theta)
        assert np.array_equal(way.grad[i], ravine_gradient(theta))
        before = theta.copy()
        mover.step(theta, ravine_gradient(theta))
        assert np.array_equal(way.step[i], theta - before)
    assert len(way.loss) == 31
    assert rule.iterations == 0, "the optimizer of the reader was used"


def test_plain_descent_is_the_formula() -> None:
    way = follow(SGD(0.2), bowl, lambda theta: 2 * theta, [2.0], 5)
    w = 2.0
    for i in range(6):
        assert way.theta[i, 0] == pytest.approx(w, rel=1e-12)
        w = w - 0.2 * 2 * w


def test_without_a_gradient_it_is_measured() -> None:
    exact = follow(SGD(0.05), ravine, ravine_gradient, [1, 1], 10)
    measured = follow(SGD(0.05), ravine, None, [1, 1], 10)
    assert measured.theta == pytest.approx(exact.theta, rel=1e-6)
    assert measured.grad == pytest.approx(exact.grad, rel=1e-6)


def test_a_run_may_leave_for_infinity() -> None:
    way = follow(SGD(1.0), lambda t: float(t[0] ** 4), lambda t: 4 * t**3, [2.0], 12)
    assert not np.isfinite(way.theta[-1, 0])
    runs = {"wild": SGD(1.0)}
    html = player(
        runs, lambda t: float(t[0] ** 4), lambda t: 4 * t**3, [2.0], x=(-3, 3), steps=12
    ).html()
    svg = html[html.index("<svg") : html.index("</svg>")]
    assert "nan" not in svg
    assert "inf" not in svg
    assert "nan" in html[html.index("</svg>") :]


@pytest.mark.parametrize(
    ("figure", "slugs"),
    [
        (curve_figure(), ["0-02", "0-2", "0-5", "1-05"]),
        (plane_figure(), [label.lower() for label in RULES]),
    ],
)
def test_tables_hold_every_step_of_every_run(figure: Figure, slugs: list[str]) -> None:
    curve = figure.name == "rates"
    rules = [SGD(rate) for rate in RATES.values()] if curve else list(RULES.values())
    for slug, rule in zip(slugs, rules, strict=True):
        way = (
            follow(rule, bowl, lambda t: 2 * t, [2.0], 12)
            if curve
            else follow(rule, ravine, ravine_gradient, [-2.5, 0.9], 30)
        )
        seen = rows(figure, slug)
        assert len(seen) == len(way.loss)
        for i, row in enumerate(seen):
            pieces = [way.theta[i], [way.loss[i]], way.grad[i], way.step[i]]
            shown = [", ".join(show(float(v)) for v in piece) for piece in pieces]
            assert row == [str(i), *(f"({s})" if ", " in s else s for s in shown)]


def test_first_and_last_step_stand_in_a_small_table() -> None:
    soup = BeautifulSoup(plane_figure().html(), "html.parser")
    table = soup.select_one(".nn-tables table")
    assert table is not None
    assert len(table.select("tbody tr")) == len(RULES)
    for row, (label, rule) in zip(table.select("tbody tr"), RULES.items(), strict=True):
        way = follow(rule, ravine, ravine_gradient, [-2.5, 0.9], 30)
        cells = [cell.get_text() for cell in row.select("th, td")]
        assert cells == [
            label,
            "30",
            "(−2.500, 0.900)",
            show(way.loss[0]),
            f"({show(way.theta[-1, 0])}, {show(way.theta[-1, 1])})",
            show(way.loss[-1]),
        ]


def test_numbers_as_text() -> None:
    assert doctest.testmod(module).failed == 0
    assert show(1e-5) == show(-1e-5) == "0.000"
    assert show(9999.4) == "9999.400"
    assert show(-12345.0) == "−1.23e+04"
    assert show(float("-inf")) == "−inf"


# ---- the drawing --------------------------------------------------------------------------------


def polylines(figure: Figure, selector: str) -> list[Array]:
    soup = BeautifulSoup(figure.html(), "html.parser")
    return [
        np.array([[float(n) for n in point.split(",")] for point in str(line["points"]).split()])
        for line in soup.select(selector)
    ]


def test_lines_of_equal_loss_are_of_equal_loss() -> None:
    lines = polylines(plane_figure(), ".nn-level")
    assert len(lines) >= 10
    levels = []
    for line in lines:
        w = (line[:, 0] - module.LEFT) / module.WIDTH * 6 - 3
        b = 1.5 - (line[:, 1] - module.TOP) / (module.WIDTH / 2) * 3
        losses = (w**2 + 10 * b**2) / 2
        assert np.ptp(np.sqrt(losses)) < 0.05
        levels.append(losses.mean())
    assert np.ptp(levels) > 10


def test_ways_lie_where_the_numbers_say() -> None:
    for line, rule in zip(polylines(plane_figure(), ".nn-way"), RULES.values(), strict=True):
        way = follow(rule, ravine, ravine_gradient, [-2.5, 0.9], 30)
        w = (line[:, 0] - module.LEFT) / module.WIDTH * 6 - 3
        b = 1.5 - (line[:, 1] - module.TOP) / (module.WIDTH / 2) * 3
        assert np.stack([w, b], axis=1) == pytest.approx(way.theta, abs=0.002)


def test_tangent_has_the_slope_of_the_curve() -> None:
    soup = BeautifulSoup(curve_figure().html(), "html.parser")
    group = soup.select_one('[data-way="0-2"]')
    curve = polylines(curve_figure(), ".nn-level")[0]
    assert group is not None
    way = follow(SGD(0.2), bowl, lambda t: 2 * t, [2.0], 12)
    # pixels of the drawing to a unit of w and of the loss
    across = module.WIDTH / 6
    up = (curve[:, 1].max() - curve[:, 1].min()) / 9
    for hand, slope in zip(str(group["data-hands"]).split(";"), way.grad[:, 0], strict=True):
        (x0, y0), (x1, y1) = ([float(n) for n in point.split(",")] for point in hand.split())
        assert -(y1 - y0) / up / ((x1 - x0) / across) == pytest.approx(slope, abs=0.02)


def test_way_straight_down_is_minus_the_gradient() -> None:
    soup = BeautifulSoup(plane_figure().html(), "html.parser")
    group = soup.select_one('[data-way="momentum"]')
    assert group is not None
    way = follow(RULES["momentum"], ravine, ravine_gradient, [-2.5, 0.9], 30)
    for hand, slope in zip(str(group["data-hands"]).split(";"), way.grad, strict=True):
        (x0, y0), (x1, y1) = ([float(n) for n in point.split(",")] for point in hand.split())
        down = np.array([x1 - x0, y0 - y1])  # pixels count downwards
        assert down / np.hypot(*down) == pytest.approx(-slope / np.hypot(*slope), abs=0.01)


def test_where_the_plane_is_flat_nothing_points_down() -> None:
    """From the bottom on there is no direction; before that there is one at each position."""
    rule = SGD(1.0)  # along w, one step to the bottom
    figure = player(
        {"to the bottom": rule},
        ravine,
        ravine_gradient,
        [1.0, 0.0],
        x=(-3, 3),
        y=(-1.5, 1.5),
        steps=3,
        choose="Optimizer",
        name="flat",
    )
    group = BeautifulSoup(figure.html(), "html.parser").select_one("[data-way]")
    assert group is not None
    first, *others = str(group["data-hands"]).split(";")
    assert len(first.split()) == 2
    assert others
    assert not any(others)


# ---- the HTML -----------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", [curve_figure(steps=30), plane_figure()])
def test_it_is_light_and_needs_nothing_from_elsewhere(figure: Figure) -> None:
    html = figure.html()
    assert len(html.encode()) < LIMIT
    assert not re.search(r"https?://|@import|\bsrc=|fetch\(|XMLHttp|url\((?!#)", html)
    assert repr(figure) == f"<Figure {figure.name}: Watch the descent>"
    assert figure._repr_html_() == html


def test_two_players_do_not_clash() -> None:
    soup = BeautifulSoup(curve_figure("a").html() + curve_figure("b").html(), "html.parser")
    ids = [str(element["id"]) for element in soup.select("[id]")]
    assert len(ids) == len(set(ids)) == 6
    for name in "ab":
        figure = soup.select_one(f"#figure-{name}")
        assert figure is not None
        used = set(re.findall(r"url\(#([^)]*)\)", str(figure)))
        assert used == {f"{name}-frame", f"{name}-dot"}
        assert used <= {str(element["id"]) for element in figure.select("[id]")}


def test_controls_are_hidden_until_the_script_lives_and_the_tables_are_not() -> None:
    soup = BeautifulSoup(curve_figure().html(), "html.parser")
    for control in soup.select("button, input"):
        assert control.find_parent(hidden=True) is not None
    assert soup.select_one(".nn-tables") is not None
    assert all(table.find_parent(hidden=True) is None for table in soup.select("table"))
    assert all(svg["aria-label"] for svg in soup.select("svg"))
    # the ball lies at the start, a ring at the end
    group = soup.select_one('[data-way="0-2"]')
    assert group is not None
    places = str(group.select(".nn-way")[0]["points"]).split()
    for kind, place in ((".nn-ball", places[0]), (".nn-end", places[-1])):
        (circle,) = group.select(kind)
        assert f"{circle['cx']},{circle['cy']}" == place


def test_labels_are_text_and_not_markup() -> None:
    evil = "<b>1</b>"
    html = player({evil: SGD(0.1)}, bowl, None, [1.0], x=(-1, 1), choose=evil, title=evil).html()
    assert evil not in html


def test_output_is_the_same_in_every_run_and_the_verifier_sees_a_change() -> None:
    html = curve_figure().html()
    assert html == curve_figure().html()
    assert compare_text(html, html) == []
    changed = html.replace(">2.000<", ">2.002<", 1)
    assert changed != html
    assert compare_text(html, changed) != []
    assert not [what for what, pattern in _VOLATILE.items() if pattern.search(html)]


def test_rounding_of_another_machine_is_no_change() -> None:
    """Every number of the drawing and of the tables is read as one, also those that touch."""
    html = curve_figure().html()
    drawing = html[html.index("<svg") : html.index("</svg>")]

    def one_unit(match: re.Match[str]) -> str:
        return f"{float(match[0]) + 0.1:.1f}"

    points = r'(?<=points=")[^"]*|(?<=data-hands=")[^"]*'
    moved = re.sub(points, lambda m: re.sub(r"-?\d+\.\d", one_unit, m[0]), drawing)
    assert moved != drawing
    assert compare_text(drawing, moved) == []


def test_every_rule_of_style_is_the_figures_own() -> None:
    style = "".join(
        element.get_text()
        for element in BeautifulSoup(curve_figure().html(), "html.parser").select("style")
    )
    rules = re.findall(r"(?:^|[{};])\s*([^{};@]+)\{", re.sub(r"/\*.*?\*/", "", style))
    assert len(rules) > 60
    assert [rule for rule in rules if ".nn-" not in rule] == []


def test_style_and_script_are_packed() -> None:
    root = Path(nnbook.__file__).parent.parent
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert "nnbook.interactive" in settings["packages"]
    assert set(settings["package-data"]["nnbook.interactive"]) >= {"*.css", "*.js"}


# ---- what it refuses ----------------------------------------------------------------------------


def test_other_arguments_are_refused() -> None:
    one = {"a": optimizers.SGD(0.1)}
    with pytest.raises(ValueError, match="at least one run"):
        player({}, bowl, None, [1.0], x=(-1, 1))
    with pytest.raises(ValueError, match="row of finite numbers"):
        player(one, bowl, None, [np.nan], x=(-1, 1))
    with pytest.raises(ValueError, match="one or two parameters"):
        player(one, bowl, None, [1.0, 2.0, 3.0], x=(-1, 1))
    with pytest.raises(ValueError, match="range of the second"):
        player(one, ravine, None, [1.0, 2.0], x=(-1, 1))
    with pytest.raises(ValueError, match="low below high"):
        player(one, bowl, None, [1.0], x=(1, -1))
    with pytest.raises(ValueError, match="steps"):
        player(one, bowl, None, [1.0], x=(-1, 1), steps=0)
    with pytest.raises(ValueError, match="Labels must differ"):
        player({"a": SGD(), "A": SGD()}, bowl, None, [1.0], x=(-1, 1))
