"""The fields of a body that a client sent come in one order, in every process."""

from shortener.web.api.schemas.links import LinkPatch


def test_sent_fields_have_the_order_of_the_description() -> None:
    sent = {"track": False, "notes": "n", "title": "t", "tags": [], "max_clicks": 1, "code": "c", "enabled": True}
    assert LinkPatch(**sent).sent_fields() == [name for name in LinkPatch.model_fields if name in sent]
