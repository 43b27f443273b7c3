"""What the pictures show: the demo's two documents, an owner who asked about them, and a web site.

The company and all its figures are made up; see `aiconvokit.demo`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from benchmarks.web.listening import site
from benchmarks.web.model import Model, Script, Statement, running
from benchmarks.web.server import Owner, logged_in, serving

PURCHASE = "What will Harrowmere pay for Brinkhof Warmtetechniek?"
WARRANTY = "How long is the warranty period for compressors?"
PLANT = "How many heat pumps did the Kaunas plant assemble in 2025?"
BROKEN = "Who audits the company?"
SCRIPT: Script = {
    PURCHASE: (
        Statement(
            "On 22 January 2026 the group agreed to buy Brinkhof Warmtetechniek B.V. of "
            "Apeldoorn, a maintenance company with 83 employees and revenue of €12.7 million, "
            "for **€11.2 million in cash**",
            "for €11.2 million in cash.",
        ),
        Statement(
            "The purchase needs the consent of the competition authority, which is expected in "
            "**April 2026**",
            "consent of the competition authority, which is expected in April 2026.",
        ),
        Statement("The price is low for a company of this kind"),
    ),
    WARRANTY: (
        Statement(
            "The warranty period for compressors is **thirty-six months from delivery**, or "
            "thirty months from the day the heat pump was put to work, whichever ends first",
            "The Warranty Period for compressors is thirty-six months from Delivery",
        ),
    ),
    PLANT: (
        Statement("The Kaunas plant assembled **61,400 heat pumps** in 2025", "61,400 heat pumps"),
    ),
}
SNIPPET_PLACE = "<!--widget-->"
SHOP = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Harrowmere Thermal</title>
<style>
  :root { --ink: #1d2b36; --soft: #5b6b78; --line: #d9e1e7; --box: #eef3f6; --ground: #fff; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6edf2; --soft: #9fb0bd; --line: #2c3942; --box: #1b252c; --ground: #12191e; }
  }
  body { margin: 0; font: 17px/1.6 Georgia, serif; color: var(--ink); background: var(--ground); }
  header { padding: 20px 6vw; border-bottom: 1px solid var(--line); font-weight: bold; }
  main { padding: 6vh 6vw; max-width: 620px; }
  h1 { font-size: 42px; line-height: 1.15; margin: 0 0 20px; }
  p { color: var(--soft); }
  ul { list-style: none; padding: 0; display: grid; grid-template-columns: 1fr 1fr; gap: 16px; }
  li { padding: 18px; background: var(--box); border-radius: 6px; }
  b { display: block; font-size: 26px; }
</style>
<body>
<header>Harrowmere Thermal</header>
<main>
  <h1>Heat pumps for houses, greenhouses and whole towns.</h1>
  <p>Since 1968. Made in Zwolle and Kaunas, serviced by our own people.</p>
  <ul><li><b>61,400</b> heat pumps from Kaunas in 2025</li><li><b>34</b> wholesalers</li></ul>
  <p>Questions for our investor relations? Ask the documents, in the corner.</p>
</main>
<!--widget-->
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is there to be looked at.

    `pages` are those of the web site at `site`; `chats` are ids by question.
    """

    owner: Owner
    model: Model
    site: str
    assistant: int
    pages: dict[str, str]
    widget: dict[str, Any] = field(default_factory=dict)
    chats: dict[str, int] = field(default_factory=dict)

    def settle(self) -> None:
        """Widget, chats, tokens: what an owner has after some days."""
        fields = {
            "assistant_id": self.assistant,
            "title": "Ask Harrowmere",
            "color": "#0f5c63",
            "greeting": "Good morning. Ask about our report and our contracts.",
            "suggestions": [WARRANTY, PURCHASE],
            "origins": [self.site],
            "shows_pictures": True,
        }
        self.widget.update(self.owner.post("/widgets/", fields))
        self.pages["/"] = SHOP.replace(SNIPPET_PLACE, self.widget["snippet"])
        self.pages["/bare"] = SHOP
        for question in (PLANT, WARRANTY, PURCHASE):
            self.chats[question] = self.owner.ask(self.assistant, question)
        new = {"name": "Nightly upload", "expires_in_days": 90}
        self.owner.post("/users/me/tokens/", new)


def documents() -> list[tuple[str, bytes]]:
    """The demo's PDFs by name."""
    folder = files("aiconvokit.demo").joinpath("documents")
    names = ("annual_report.pdf", "supply_agreement.pdf")
    return [(name, folder.joinpath(name).read_bytes()) for name in names]


@contextmanager
def stage() -> Iterator[tuple[str, Model]]:
    """A server where nobody was yet, and its model: the server's URL."""
    with running(SCRIPT, BROKEN) as model, serving(model.base_url) as url:
        yield url, model


@contextmanager
def scene(url: str, model: Model) -> Iterator[Scene]:
    """An owner with an assistant that has read both documents, and a site with a widget."""
    pages: dict[str, str] = {}
    with site(pages) as origin, logged_in(url) as owner:
        words = {
            "name": "Investor relations",
            "company_name": "Harrowmere Thermal",
            "instructions": "Answer questions about the annual report and the supply agreement.",
        }
        found = Scene(owner, model, origin, owner.assistant(words, documents()), pages)
        found.settle()
        yield found
