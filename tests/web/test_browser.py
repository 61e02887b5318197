"""Tests of the pages in a real browser: which requests they send, and where they store the token."""

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
from tests.web.conftest import GatewayAddress
from tests.web.stand_in import serving

RESOURCE = "0b9de5d0-3c5f-5d5c-9d4e-0f5a2f1b7c11"
_LOG_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`Content Security Policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Visit:
    """A page, the requests that it sent and its errors."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Start to record requests, errors and policy violations."""
        self.page.add_init_script(_LOG_VIOLATIONS)
        self.page.context.on("request", self._record_request)
        self.page.on("pageerror", self._record_error)
        self.page.on("console", self._record_console)

    def origins(self) -> set[str]:
        """Return the origins of all requests except `data:` URLs."""
        return {
            "/".join(request.url.split("/")[:3]) for request in self.requests if not request.url.startswith("data:")
        }

    def enter_token(self, token: str) -> None:
        """Enter the token in the dialog."""
        self.page.get_by_label("Bearer token").fill(token)
        self.page.get_by_role("button", name="Use this token").click()

    def run(self) -> None:
        """Execute the operation of the active tab as soon as the editor and the schema are loaded."""
        expect(self.page.locator(".graphiql-query-editor .view-lines")).to_contain_text("query")
        expect(self.page.locator(".graphiql-explorer-root")).to_contain_text("resourceTotals")
        self.page.get_by_role("button", name="Execute query").click()

    def alert(self) -> Locator:
        """Return the error message of the dialog."""
        return self.page.locator(".token-dialog [role=alert]")

    def _record_request(self, request: Request) -> None:
        self.requests.append(request)

    def _record_error(self, error: Error) -> None:
        self.errors.append(error.message)

    def _record_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open a page in a new browser context, which shares no storage with others."""
    context = browser.new_context(viewport={"width": 1500, "height": 900})
    visit = Visit(context.new_page())
    visit.watch()
    yield visit
    context.close()


def test_graphiql_accepts_the_token_and_runs_an_example(gateway: GatewayAddress, visit: Visit) -> None:
    """Every request goes to the gateway, nothing violates the policy, and result and freshness are shown."""
    visit.page.goto(f"{gateway.origin}/graphql")
    expect(visit.page.get_by_role("dialog", name="Access token")).to_be_visible()
    visit.enter_token(gateway.token)
    expect(visit.page.get_by_role("tab", name="Machines")).to_be_visible()
    visit.run()
    expect(visit.page.locator(".result-window")).to_contain_text('"totalCount"')
    expect(visit.page.locator(".freshness")).to_contain_text("vendor call")
    assert {gateway.origin} == visit.origins()
    assert [] == visit.errors


def test_examples_are_the_tabs_of_the_first_visit(gateway: GatewayAddress, visit: Visit) -> None:
    """Each example has a tab, and the first tab is active."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.enter_token(gateway.token)
    tabs = visit.page.get_by_role("tab")
    titles = ("Machines", "Forced", "Recorded", "CostByVendor", "Volumes", "Changes")
    expect(tabs).to_have_text([re.compile(f"^{title}") for title in titles])
    expect(tabs.first).to_have_attribute("aria-selected", "true")


def test_token_is_stored_only_in_the_session(gateway: GatewayAddress, visit: Visit) -> None:
    """It is in sessionStorage, not in localStorage, a cookie or a URL, and only GraphQL requests carry it."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.enter_token(gateway.token)
    visit.run()
    expect(visit.page.locator(".result-window")).to_contain_text('"totalCount"')
    stored = json.loads(
        visit.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    )
    assert gateway.token in stored[0].values()
    assert gateway.token not in json.dumps(stored[1:])
    assert not any(gateway.token in url for url in (visit.page.url, *(request.url for request in visit.requests)))
    carrying = {request.url for request in visit.requests if gateway.token in json.dumps(request.all_headers())}
    assert {f"{gateway.origin}/graphql"} == carrying


def test_token_is_requested_once_per_session(gateway: GatewayAddress, visit: Visit) -> None:
    """A reload keeps the token; another session starts without one."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.enter_token(gateway.token)
    visit.page.reload()
    expect(visit.page.get_by_role("tab", name="Machines")).to_be_visible()
    expect(visit.page.get_by_role("dialog", name="Access token")).to_be_hidden()
    other = visit.page.context.new_page()
    other.goto(f"{gateway.origin}/graphql")
    expect(other.get_by_role("dialog", name="Access token")).to_be_visible()


def test_rejected_token_is_reported_and_can_be_replaced(gateway: GatewayAddress, visit: Visit) -> None:
    """A 401 opens the dialog with the reason, and the page works with the next token."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.enter_token("unknown-token")
    expect(visit.alert()).to_contain_text("rejected this token")
    expect(visit.page.locator(".bar [role=status]")).to_have_text("Token rejected")
    visit.enter_token(gateway.token)
    expect(visit.page.locator(".graphiql-explorer-root")).to_contain_text("resourceTotals")
    expect(visit.alert()).to_have_count(0)


def test_malformed_token_is_rejected_by_the_dialog(gateway: GatewayAddress, visit: Visit) -> None:
    """A token with spaces is not sent; a pasted `Bearer TOKEN` is accepted."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.enter_token("two words")
    expect(visit.alert()).to_contain_text("one word")
    assert [] == [request.url for request in visit.requests if request.method == "POST"]
    visit.enter_token(f" Bearer {gateway.token} ")
    expect(visit.page.locator(".graphiql-explorer-root")).to_contain_text("resourceTotals")


def test_token_can_be_removed(gateway: GatewayAddress, visit: Visit) -> None:
    """The session storage is empty afterwards."""
    visit.page.goto(f"{gateway.origin}/graphql")
    visit.enter_token(gateway.token)
    visit.page.get_by_role("button", name="Forget token").click()
    expect(visit.page.get_by_text("Enter an access token")).to_be_visible()
    assert "{}" == visit.page.evaluate("JSON.stringify(sessionStorage)")


def test_rest_documentation_loads_only_from_the_gateway(gateway: GatewayAddress, visit: Visit) -> None:
    """It shows the route from the gateway's OpenAPI document, without a token."""
    visit.page.goto(f"{gateway.origin}/docs")
    expect(visit.page.locator("#page")).to_contain_text("/resources/{resource_id}")
    assert {gateway.origin} == visit.origins()
    assert [] == visit.errors


def test_rest_documentation_sends_the_token_of_the_session(gateway: GatewayAddress, visit: Visit) -> None:
    """Both pages share the token, and the request is allowed by the policy."""
    visit.page.goto(f"{gateway.origin}/docs")
    visit.page.get_by_role("button", name="Enter token").click()
    visit.enter_token(gateway.token)
    visit.page.get_by_role("button", name="Try it out").click()
    visit.page.get_by_placeholder("resource_id").fill(RESOURCE)
    with visit.page.expect_request(f"**/resources/{RESOURCE}*") as request:
        visit.page.get_by_role("button", name="Execute", exact=True).click()
    assert f"Bearer {gateway.token}" == request.value.header_value("authorization")
    expect(visit.page.locator(".live-responses-table").first).to_be_visible()
    assert [] == visit.errors


def test_plain_page_violates_no_policy(visit: Visit, tmp_path: Path) -> None:
    """The page that is served before the build needs nothing that its policy forbids."""
    with serving(Starlette(routes=Site(tmp_path).routes())) as origin:
        visit.page.goto(f"{origin}/docs")
        expect(visit.page.locator("body")).to_contain_text("make web")
    assert {origin} == visit.origins()
    assert [] == visit.errors
