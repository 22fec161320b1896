"""Tables as HTML."""

from app.views.html import html_table


def test_texts_are_shown_and_never_run() -> None:
    found = html_table(("a", "<b>"), [("1", "<script>alert(1)</script>")], name='"x" onload=')

    assert "<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>" in found
    assert '<th scope="col">&lt;b&gt;</th>' in found
    assert 'aria-label="&quot;x&quot; onload="' in found
    assert found.count("<tr>") == 2
