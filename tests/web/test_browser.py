"""The pages in a real browser: what they ask for, where from, and where the token goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, expect
from starlette.applications import Starlette

from supplygraph.web import Site
from tests.web.conftest import Gateway
from tests.web.stand_in import serving

RESOURCE = "0b9de5d0-3c5f-5d5c-9d4e-0f5a2f1b7c11"
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`Content Security Policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Visit:
    """A page, and what it was seen to do."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """From here on note each request, and each error or refused step of the page."""
        self.page.add_init_script(_TELL_VIOLATIONS)
        self.page.context.on("request", self._note_request)
        self.page.on("pageerror", self._note_error)
        self.page.on("console", self._note_console)

    def origins(self) -> set[str]:
        """Where the page asked, `data:` addresses apart."""
        return {
            "/".join(request.url.split("/")[:3]) for request in self.requests if not request.url.startswith("data:")
        }

    def give_token(self, token: str) -> None:
        """Type the token into the dialog."""
        self.page.get_by_label("Bearer token").fill(token)
        self.page.get_by_role("button", name="Use this token").click()

    def run(self) -> None:
        """Execute the operation of the tab in front, once the editor holds it and the schema is there."""
        expect(self.page.locator(".graphiql-query-editor .view-lines")).to_contain_text("query")
        expect(self.page.locator(".graphiql-explorer-root")).to_contain_text("resourceTotals")
        self.page.get_by_role("button", name="Execute query").click()

    def alert(self) -> Locator:
        """What the dialog complains of."""
        return self.page.locator(".token-dialog [role=alert]")

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def _note_error(self, error: Error) -> None:
        self.complaints.append(error.message)

    def _note_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.complaints.append(message.text)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A fresh visitor: no storage of an earlier one."""
    context = browser.new_context(viewport={"width": 1500, "height": 900})
    visit = Visit(context.new_page())
    visit.watch()
    yield visit
    context.close()


def test_graphiql_takes_the_token_and_runs_an_example(gateway: Gateway, visit: Visit) -> None:
    """All of it comes from the gateway, nothing breaks its policy, and the answer and its freshness are shown."""
    visit.page.goto(f"{gateway.origin}/graphql")
    expect(visit.page.get_by_role("dialog", name="Access token")).to_be_visible()
    visit.give_token(gateway.token)
    expect(visit.page.get_by_role("tab", name="Machines")).to_be_visible()
    visit.run()
    expect(visit.page.locator(".result-window")).to_contain_text('"totalCount"')
    expect(visit.page.locator(".freshness")).to_contain_text("vendor call")
    assert {gateway.origin} == visit.origins()
    assert [] == visit.complaints


def test_the_examples_are_the_tabs_of_a_first_visit(gateway: Gateway, visit: Visit) -> None:
    """One a tab, the first in front."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.give_token(gateway.token)
    tabs = visit.page.get_by_role("tab")
    titles = ("Machines", "Forced", "Recorded", "CostByVendor", "Volumes", "Changes")
    expect(tabs).to_have_text([re.compile(f"^{title}") for title in titles])
    expect(tabs.first).to_have_attribute("aria-selected", "true")


def test_the_token_stays_in_the_session(gateway: Gateway, visit: Visit) -> None:
    """It is in sessionStorage alone: no other storage, no cookie, no address; only the graph's requests carry it."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.give_token(gateway.token)
    visit.run()
    expect(visit.page.locator(".result-window")).to_contain_text('"totalCount"')
    stored = json.loads(
        visit.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    )
    assert gateway.token in stored[0].values()
    assert gateway.token not in json.dumps(stored[1:])
    assert not any(gateway.token in address for address in (visit.page.url, *(seen.url for seen in visit.requests)))
    carrying = {seen.url for seen in visit.requests if gateway.token in json.dumps(seen.all_headers())}
    assert {f"{gateway.origin}/graphql"} == carrying


def test_the_token_is_not_asked_for_twice_in_a_session(gateway: Gateway, visit: Visit) -> None:
    """A reload goes on with it; another session has none."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.give_token(gateway.token)
    visit.page.reload()
    expect(visit.page.get_by_role("tab", name="Machines")).to_be_visible()
    expect(visit.page.get_by_role("dialog", name="Access token")).to_be_hidden()
    other = visit.page.context.new_page()
    other.goto(f"{gateway.origin}/graphql")
    expect(other.get_by_role("dialog", name="Access token")).to_be_visible()


def test_a_refused_token_is_said_and_can_be_replaced(gateway: Gateway, visit: Visit) -> None:
    """A 401 brings the dialog back with the reason; the next token makes the page work."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.give_token("one-that-nobody-made")
    expect(visit.alert()).to_contain_text("refused this token")
    expect(visit.page.locator(".bar [role=status]")).to_have_text("Token refused")
    visit.give_token(gateway.token)
    expect(visit.page.locator(".graphiql-explorer-root")).to_contain_text("resourceTotals")
    expect(visit.alert()).to_have_count(0)


def test_a_token_that_no_header_can_carry_is_refused_at_once(gateway: Gateway, visit: Visit) -> None:
    """A pasted sentence is answered in the dialog, and nothing is sent; a pasted header line is understood."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.give_token("two words")
    expect(visit.alert()).to_contain_text("one word")
    assert [] == [seen.url for seen in visit.requests if seen.method == "POST"]
    visit.give_token(f" Bearer {gateway.token} ")
    expect(visit.page.locator(".graphiql-explorer-root")).to_contain_text("resourceTotals")


def test_a_token_can_be_forgotten(gateway: Gateway, visit: Visit) -> None:
    """Nothing of it is left in the browser."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.give_token(gateway.token)
    visit.page.get_by_role("button", name="Forget it").click()
    expect(visit.page.get_by_text("Enter an access token")).to_be_visible()
    assert "{}" == visit.page.evaluate("JSON.stringify(sessionStorage)")


def test_the_rest_documentation_loads_nothing_from_elsewhere(gateway: Gateway, visit: Visit) -> None:
    """It shows the route from the gateway's own description, without a token."""
    visit.page.goto(f"{gateway.origin}/docs")
    expect(visit.page.locator("#page")).to_contain_text("/resources/{resource_id}")
    assert {gateway.origin} == visit.origins()
    assert [] == visit.complaints


def test_the_rest_documentation_tries_the_route_with_the_session_s_token(gateway: Gateway, visit: Visit) -> None:
    """What was entered once serves both pages, within the policy."""
    visit.page.goto(f"{gateway.origin}/docs")
    visit.page.get_by_role("button", name="Enter token").click()
    visit.give_token(gateway.token)
    visit.page.get_by_role("button", name="Try it out").click()
    visit.page.get_by_placeholder("resource_id").fill(RESOURCE)
    with visit.page.expect_request(f"**/resources/{RESOURCE}*") as asked:
        visit.page.get_by_role("button", name="Execute", exact=True).click()
    assert f"Bearer {gateway.token}" == asked.value.header_value("authorization")
    expect(visit.page.locator(".live-responses-table").first).to_be_visible()
    assert [] == visit.complaints


def test_a_page_that_was_not_built_is_shown_within_its_policy(visit: Visit, tmp_path: Path) -> None:
    """The plain page needs nothing that its policy refuses."""
    with serving(Starlette(routes=Site(tmp_path).routes())) as origin:
        visit.page.goto(f"{origin}/docs")
        expect(visit.page.locator("body")).to_contain_text("make web")
    assert {origin} == visit.origins()
    assert [] == visit.complaints
