"""`/`: the owners' page, one HTML file that loads one stylesheet and the modules of `static/js`."""

from html import escape

from litestar import Response, get
from litestar.di import NamedDependency

from aiconvokit import __version__
from aiconvokit.rest.urls import API
from aiconvokit.services import Services
from aiconvokit.web.assets import ASSETS, Assets, assets

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; "  # pictures of pages need the token, so scripts fetch them
    "frame-src 'self'; "  # the preview of a widget
    "font-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",  # it names the version of everything else
}


@get("/", include_in_schema=False, sync_to_thread=False)
def page(services: NamedDependency[Services]) -> Response[str]:
    """The page, for anybody: what is private it asks for with the token of who is logged in."""
    is_closed = services.settings.registration == "closed"
    values = {
        "base": API,
        "registration": "closed" if is_closed else "open",
        "upload-bytes": str(services.settings.limits.max_upload_bytes),
        "version": __version__,
    }
    return Response(fill(assets(), "page.html", values), headers=HEADERS, media_type="text/html")


def fill(found: Assets, name: str, values: dict[str, str]) -> str:
    """A page with `{{name}}` replaced by values, escaped for attributes and text.

    `{{assets}}` is where the assets are, without a slash at the end, and `{{modules}}` one hint for
    each module of the page: without them a browser learns of a module's imports when it has come,
    which on a slow line is a wait for every step.
    """
    text = found.text(name)
    folder = f"{ASSETS}/{found.version}"
    hints = "\n".join(
        f'<link rel="modulepreload" href="{folder}/{escape(path)}">'
        for path in found.files
        if path.startswith("js/")
    )
    text = text.replace("{{assets}}", folder).replace("{{modules}}", hints)
    for key, value in values.items():
        text = text.replace("{{" + key + "}}", escape(value))
    return text
