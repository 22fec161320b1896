"""axe-core in a page of a browser: what it finds that is serious, in words, less what Streamlit does and we cannot change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[1] / "browser" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
_LONGEST = 200

# Parts that are drawn anew are paler meanwhile, and what ticks may be so at any moment.
_STEADY = ".stElementContainer { opacity: 1 !important; transition: none !important }"

_RUN = """
async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.filter(rule => ["serious", "critical"].includes(rule.impact)).flatMap(rule => rule.nodes.map(node => {
        const target = node.target.flat(), element = document.querySelector(target.at(-1));
        return {
            rule: rule.id, help: rule.help, target: target.join(" >>> "), html: node.html,
            why: (node.failureSummary || "").replace(/\\s+/g, " "),
            of: SELECTORS.filter(selector => element !== null && element.closest(selector) !== null),
        };
    }));
}
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What axe finds in Streamlit itself.

    Attributes:
        rule: Of axe.
        selector: Of the element, or of one around it; as narrow as can be.
        reason: Why it is there, and why we cannot mend it.
    """

    rule: str
    selector: str
    reason: str


_OFF = ".stElementContainer:has(:disabled, [aria-disabled='true'], [data-disabled='true'])"

KNOWN = (
    Known(
        "color-contrast",
        f"{_OFF} [data-testid='stWidgetLabel']",
        "WCAG 1.4.3 leaves out what belongs to a disabled control; Streamlit's labels are no <label>, so axe cannot know that",
    ),
    Known(
        "color-contrast",
        f"{_OFF} .stMultiSelect [title]",
        "the same of what is chosen in a disabled multiselect",
    ),
    Known(
        "scrollable-region-focusable",
        f"{_OFF} [data-testid='stDateInputFieldsScroller']",
        "the dates of a disabled range, of which there is nothing to do with the keyboard; enabled ones take the focus",
    ),
    Known(
        "aria-dialog-name",
        "[data-testid='stToast']",
        "st.toast names as its label an element that it does not make",
    ),
)
"""What Streamlit 1.67 does; a test asserts on tests/app/gallery.py that each is still needed: an upgrade shortens the list."""


@dataclass(slots=True)
class Found:
    """What axe found in pages.

    Attributes:
        violations: Serious ones that are ours to mend, readable.
        needed: Known ones of Streamlit that were met.
    """

    violations: list[str] = field(default_factory=list)
    needed: set[Known] = field(default_factory=set)


def violations(page: Page, known: Iterable[Known] = KNOWN) -> Found:
    """Return the serious and critical violations of a page as it is now: the rule, where, what is wrong, and the HTML, cut.

    The test is skipped where axe is not installed.
    """
    if not SCRIPT.is_file():
        pytest.skip("no axe-core: `npm ci --prefix tests/browser` installs it")
    known = tuple(known)
    page.add_style_tag(content=_STEADY)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))  # not as an element: that would be part of the page
    selectors = sorted({each.selector for each in known})
    found = Found()
    for each in page.evaluate(f"({_RUN.replace('SELECTORS', repr(selectors))})()"):
        excused = [one for one in known if one.rule == each["rule"] and one.selector in each["of"]]
        found.needed.update(excused)
        if not excused:
            found.violations.append(told(each))
    return found


def told(each: Mapping[str, Any]) -> str:
    """Return a violation in words."""
    html = each["html"] if len(each["html"]) <= _LONGEST else f"{each['html'][:_LONGEST]}…"
    return f"{each['rule']} ({each['help']}) at {each['target']}: {each['why']}\n    {html}"
