"""The pages of our own before anybody is signed in: plain HTML without scripts, readable in light and dark."""

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --quiet: #4a5260; --ground: #f4f5f7; --card: #ffffff; --line: #6b7280;
  --act: #0b57b7; --on-act: #ffffff; --wrong: #a4121c; --wrong-ground: #fdecec; }
@media (prefers-color-scheme: dark) { :root { --text: #eceff3; --quiet: #b4bcc8; --ground: #0e1117; --card: #1a1f29;
  --line: #8b95a5; --act: #8ab8ff; --on-act: #0b1626; --wrong: #ffb4b4; --wrong-ground: #43191d; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 2rem; border-radius: .75rem; background: var(--card);
  box-shadow: 0 1px 6px rgb(0 0 0 / .25); }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; color: var(--quiet); overflow-wrap: anywhere; }
p.wrong { padding: .6rem .8rem; border-left: .3rem solid var(--wrong); border-radius: .25rem;
  background: var(--wrong-ground); color: var(--wrong); }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input, button, a.button { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border-radius: .4rem; font: inherit; }
input { border: 1px solid var(--line); background: var(--ground); color: inherit; }
button, a.button { display: block; margin-top: 1.5rem; border: 0; background: var(--act); color: var(--on-act);
  font-weight: 600; line-height: 1.75rem; text-align: center; text-decoration: none; cursor: pointer; }
hr { margin: 1.5rem 0 0; border: 0; border-top: 1px solid var(--line); }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
"""
_POLICY = (
    f"default-src 'none'; img-src data:; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def sign_in_page(
    *, next_path: str, wrong: str | None = None, name: str = "", passwords: bool, provider: bool, status: int = 200
) -> HTMLResponse:
    """Return the page that asks who somebody is.

    Args:
        next_path: Where to go on afterwards; a path of ours.
        wrong: What went wrong the last time.
        name: What to fill in.
        passwords: Whether people have passwords.
        provider: Whether there is a provider of OpenID Connect.
        status: Of HTTP.
    """
    body = "<p>TCPDashboard: market data and paper bots.</p>"
    if wrong:
        body += f'<p class="wrong" role="alert" id="wrong">{escape(wrong)}</p>'
    if passwords:
        body += _form(next_path, name, told=wrong is not None)
    if provider:
        body += "<hr>" if passwords else ""
        body += '<a class="button" href="/sign-in/provider">Sign in with your organization</a>'
    return _answer("Sign in", body, status=status)


def refused_page(who: str) -> HTMLResponse:
    """Return the page for somebody whom the provider knows and we do not."""
    words = f"Your organization says that you are {who}, who is not among the people of this dashboard. Ask whoever runs it."
    body = f'<p class="wrong" role="alert">{escape(words)}</p><a class="button" href="/sign-in">Back</a>'
    return _answer("Not let in", body, status=403)


def going_on_page(path: str) -> HTMLResponse:
    """Return a page that leads to a path of ours at once.

    A browser that comes from another site keeps our cookie to itself; from this page it does not.
    """
    head = f'<meta http-equiv="refresh" content="0;url={escape(path)}">'
    return _answer("One moment", f'<a class="button" href="{escape(path)}">Go on</a>', head=head)


def _form(next_path: str, name: str, *, told: bool) -> str:
    described = ' aria-describedby="wrong"' if told else ""
    at_name, at_password = ("", " autofocus") if name else (" autofocus", "")
    return (
        f'<form method="post" action="/sign-in"><input type="hidden" name="next" value="{escape(next_path)}">'
        f'<label for="name">Name</label><input id="name" name="name" value="{escape(name)}" autocomplete="username" required '
        f'maxlength="64" autocapitalize="none" spellcheck="false"{described}{at_name}>'
        '<label for="password">Password</label><input id="password" name="password" type="password" '
        f'autocomplete="current-password" required maxlength="1024"{described}{at_password}>'
        '<button type="submit">Sign in</button></form>'
    )


def _answer(title: str, body: str, *, status: int = 200, head: str = "") -> HTMLResponse:
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}<title>{title} - TCPDashboard</title>'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>'
    )
    return HTMLResponse(page, status_code=status, headers={"content-security-policy": _POLICY, "cache-control": "no-store"})
