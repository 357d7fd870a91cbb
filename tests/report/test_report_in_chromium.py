"""The report as a browser shows it: no request, no message, no overflow, no words over words, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from asd_edge.report.write_report import write_report
from tests.report.browser import CHROMIUM, Browser, PageLook, open_browser
from tests.report.small_work import MACHINES, plan_content, profile_content, write_json, write_model, write_small_work

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium; make setup-emulation installs it")
LONG_NAMES = ("<img src=x onerror=injected=1>/id_00", "a_machine_with_a_very_long_name_of_its_own/id_of_some_length_01")
WIDTHS, SCHEMES = (1280, 420), ("light", "dark")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report with every section, and one of a model that nothing has measured yet."""
    root = tmp_path_factory.mktemp("pages")
    full = write_small_work(root / "full", (*MACHINES, *LONG_NAMES))
    write_json(full / "plan-generic.json", plan_content())
    write_json(full / "profile-a.json", profile_content("nucleo-l4r5zi"))
    write_json(full / "profile-b.json", profile_content("nrf5340-dk", ram=800_000))
    works = {"full": full, "bare": write_model(root / "bare")}
    return {name: write_report(work, work / "report.html").html for name, work in works.items()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def looks(pages: dict[str, Path], browser: Browser) -> dict[tuple[str, int, str], PageLook]:
    return {
        (name, width, scheme): browser.look(page, width, scheme)
        for name, page in pages.items()
        for width in WIDTHS
        for scheme in SCHEMES
    }


def test_page_requests_only_itself_and_logs_nothing(
    pages: dict[str, Path], looks: dict[tuple[str, int, str], PageLook]
) -> None:
    for (name, _, _), look in looks.items():
        assert look.requests == (pages[name].resolve().as_uri(),)
        assert look.log == ()
        assert look.injected == "undefined"
        assert look.broken_pictures == 0


def test_page_is_no_wider_than_the_window(looks: dict[tuple[str, int, str], PageLook]) -> None:
    assert {key: look.width for key, look in looks.items() if look.width > key[1]} == {}


def test_no_picture_is_empty_and_no_words_cover_or_leave_it(looks: dict[tuple[str, int, str], PageLook]) -> None:
    for key, look in looks.items():
        assert (key, look.empty, look.overlaps, look.beyond) == (key, (), (), ())


def test_dark_page_is_dark_and_light_page_light(looks: dict[tuple[str, int, str], PageLook], tmp_path: Path) -> None:
    for (_, width, scheme), look in looks.items():
        dark_part, light_part = sorted((look.page_brightness, look.ink_brightness))
        assert (look.page_brightness < look.ink_brightness) == (scheme == "dark")
        assert light_part - dark_part > 500
        (tmp_path / "page.png").write_bytes(look.png)
        pixels = matplotlib.image.imread(tmp_path / "page.png")[..., :3]
        assert pixels.shape[1] == width
        assert abs(3 * 255 * float(np.median(pixels)) - look.page_brightness) < 30
        assert len(np.unique((15 * pixels[::3]).astype(np.int64) @ (1, 16, 256))) > 20  # it isn't a blank page


def test_page_prints(pages: dict[str, Path], browser: Browser) -> None:
    browser.look(pages["full"], 1280, "dark")
    printed = browser.print_pdf()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") >= 3
