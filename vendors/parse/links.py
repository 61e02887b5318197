"""Links to what a vendor lists as attached, where it tells ids alone."""

from __future__ import annotations

from collections.abc import Iterable

from domain.enums import LinkType, ResourceKind
from domain.records.observation import NOT_REPORTED, Attachment, NotReported


def attachment_links(
    link_type: LinkType, kind: ResourceKind, ids: Iterable[str | None], *, whole: bool
) -> tuple[Attachment, ...] | NotReported:
    """A link to each id, once; `whole`: all of the vendor's list could be read. None is an id that could not.

    A list of which a part could not be read is not the whole list: it must close no link.
    """
    told = tuple(dict.fromkeys(ids))
    links = tuple(Attachment(link_type, kind, one) for one in told if one is not None)
    return links if whole and len(links) == len(told) else NOT_REPORTED
