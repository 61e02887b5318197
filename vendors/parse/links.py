"""Builds links from lists of attached ids, for vendors that report nothing but the ids."""

from __future__ import annotations

from collections.abc import Iterable

from domain.enums import LinkType, ResourceKind
from domain.records.observation import NOT_REPORTED, Attachment, NotReported


def attachment_links(
    link_type: LinkType, kind: ResourceKind, ids: Iterable[str | None], *, complete: bool
) -> tuple[Attachment, ...] | NotReported:
    """Return a link to each distinct id.

    An id that is `None` could not be read; `complete` is whether the other parts of the list could be read.
    A list that could not be read completely must not close any link, so the result is then NOT_REPORTED.
    """
    distinct = tuple(dict.fromkeys(ids))
    links = tuple(Attachment(link_type, kind, vendor_id) for vendor_id in distinct if vendor_id is not None)
    return links if complete and len(links) == len(distinct) else NOT_REPORTED
