"""What is a filter's block and what is a fault, where both speak of filters: a fault taken for a block counts as a refusal."""

from __future__ import annotations

import json

import pytest

from tocsin.models import ModelError
from tocsin.models.images_reply import drawn
from tocsin.models.openai_reply import block_or_fault
from tocsin.types import Answer, ErrorKind

BLOCKS = [
    (400, "content_policy_violation", "Your request was rejected."),
    (400, None, "Your request was rejected as a result of our safety system."),
    (400, None, "Generated image rejected by content moderation."),
    (400, "content_filter", "The response was filtered due to the prompt triggering the content management policy."),
    (422, "nsfw_content", ""),
    (403, None, "Your request was blocked by our content policy."),
    (400, "moderation_blocked", ""),
]
FAULTS = [
    (400, None, "Rejected because of an invalid content filter configuration.", ErrorKind.REJECTED),
    (400, None, "The content filter was not triggered but the image size is wrong.", ErrorKind.REJECTED),
    (400, None, "No moderation was triggered; the size is wrong.", ErrorKind.REJECTED),
    (400, None, "The content filter service has not been detected.", ErrorKind.REJECTED),
    (400, "content_moderation_unavailable", "", ErrorKind.REJECTED),
    (400, "invalid_nsfw_checker", "", ErrorKind.REJECTED),
    (422, "moderation_failed", "", ErrorKind.REJECTED),
    (403, None, "Your API key was flagged for billing review.", ErrorKind.AUTH),
    (403, None, "The key may not use this model.", ErrorKind.AUTH),
]


def told(status: int, code: str | None, message: str) -> Answer:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return block_or_fault(status, {}, body, url="http://there/v1", secrets=(), prompts=("Draw a kite.",))


@pytest.mark.parametrize(("status", "code", "message"), BLOCKS)
def test_a_block_is_a_block(status: int, code: str | None, message: str) -> None:
    assert told(status, code, message).blocked


@pytest.mark.parametrize(("status", "code", "message", "kind"), FAULTS)
def test_a_fault_that_speaks_of_a_filter_is_a_fault(
    status: int, code: str | None, message: str, kind: ErrorKind
) -> None:
    with pytest.raises(ModelError) as caught:
        told(status, code, message)
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    "data",
    [
        [{"error": {"code": "rate_limit"}}, {"text": "caption"}],
        [{"error": {"code": "internal_error"}, "text": "caption"}],
        [{"error": {"code": "content_moderation_timeout"}}],
        [{"error": {"message": "content filter not triggered, worker crashed"}}],
    ],
)
def test_an_error_of_an_image_is_no_refusal_whatever_stands_beside_it(data: list[object]) -> None:
    with pytest.raises(ModelError):
        drawn(json.dumps({"data": data}).encode())
